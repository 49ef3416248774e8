/** The words that demo items are made of; % stands for the category. */

export const demoAuthors = [
  'Amara Okafor', 'Ben Fischer', 'Chloé Martin', 'Daniel Kim', 'Elena Rossi', 'Farid Haddad', 'Grace Liu', 'Hugo Silva',
  'Ines Novak', 'Jonas Berg', 'Keiko Tanaka', 'Liam Murphy', 'Maya Patel', 'Nils Andersson', 'Olga Petrova', 'Priya Nair',
  'Quentin Moreau', 'Rosa Jiménez', 'Samir Aziz', 'Tomás Herrera', 'Uma Krishnan', 'Viktor Hansen', 'Wanjiru Mwangi',
] as const; // biome-ignore format: names read better in lines

export const demoCategories = [
  'Documentation',
  'Architecture',
  'Design',
  'Backend',
  'Frontend',
  'Infrastructure',
  'Research',
  'Operations',
] as const;

export const demoTitles = {
  upload: ['Q3 % review deck', 'Interview notes on %', '% benchmark results', 'Recording of the % walkthrough', 'Draft % guideline', 'Screens for the % flow'],
  update: ['Rewrote the % guide', 'Clarified the % checklist', 'Updated the % roadmap', 'Refreshed the % runbook', 'New figures on the % page', 'Corrected the % estimates'],
  decision: ['Adopt weekly % reviews', 'Move % to the shared pipeline', 'Retire the old % process', 'Fund the % pilot', 'Freeze % scope until release'],
  completion: ['Shipped the % changes', 'Closed the % follow-ups', 'Finished the % migration step', 'Fixed the % regression', 'Completed the % onboarding task', 'Automated the % check', 'Cleaned up % leftovers'],
  review: ['Review: % proposal', 'Review: % pull request', 'Review: % budget', 'Review: % incident report'],
} as const; // biome-ignore format: titles read better in lines
