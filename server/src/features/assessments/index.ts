export { createAssessmentsFeature } from './assessments.feature.ts';
export { type AssessmentNumbers, assessmentsOf, type OceanAverages, readOceanAverages } from './assessments.views.ts';
export { assessmentsPersonalData } from './declare-personal-data.ts';
export { oceanSection } from './ocean-section.ts';
