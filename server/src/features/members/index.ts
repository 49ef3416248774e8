export { invitationsPersonalData } from './declare-personal-data.ts';
export { createMembersFeature } from './members.feature.ts';
