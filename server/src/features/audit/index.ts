export { type AuditFeature, createAuditFeature } from './audit.feature.ts';
export { auditPersonalData, forgetAbsentPeople } from './declare-personal-data.ts';
export {
  type AuditedAction,
  recordAccountEvent,
  recordAudit,
  recordEventOfAddress,
} from './record-audit.ts';
