export { type AuditFeature, createAuditFeature } from './audit.feature.ts';
export { auditPersonalData, forgetAbsentPeople } from './declare-personal-data.ts';
export { recordAccountEvent, recordAudit, recordChange, recordEventOfAddress } from './record-audit.ts';
