const id = '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b70';
const organization_id = '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5e';
export const exampleTemplateId = '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b71';
const created_by = '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a';

export const exampleReport = {
  id,
  organization_id,
  report_period_start: '2024-01-01',
  report_period_end: '2024-01-07',
  title: 'Weekly Performance Report',
  status: 'generated',
  failure_reason: null,
  executive_summary: 'Active users rose by 25 % to 120, from 96.',
  template_id: exampleTemplateId,
  template_version: 1,
  origin: 'request',
  timezone: 'Europe/Berlin',
  comparison: {
    basis: 'full_period',
    period_start: '2023-12-25',
    period_end: '2023-12-31',
    until: '2023-12-31T23:00:00.000Z',
  },
  content_hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  as_of: '2024-01-07T21:14:03.000Z',
  complete: true,
  stale_inputs: [],
  created_by,
  created_at: '2024-01-08T08:55:00.000Z',
  updated_at: '2024-01-08T09:00:00.000Z',
  generated_at: '2024-01-08T09:00:00.000Z',
  published_at: null,
  archived_at: null,
} as const;

export const exampleSections = [
  {
    id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b72',
    report_id: id,
    position: 0,
    section_type: 'metrics_summary',
    section_title: 'Key Metrics',
    status: 'ok',
    reason: null,
    content: '- Active users rose by 25 % to 120, from 96.',
    charts_data: [
      {
        name: 'figures_count',
        title: 'Key Metrics (count)',
        option: { xAxis: { type: 'category', data: ['Active users'] }, series: [{ type: 'bar', data: [120] }] },
      },
    ],
    tables_data: [
      {
        name: 'figures',
        title: 'Numbers',
        columns: [
          { name: 'label', label: 'Number', type: 'text' },
          { name: 'value', label: 'Value', type: 'number' },
        ],
        rows: [['Active users', 120]],
      },
    ],
    insights: [
      {
        kind: 'change',
        text: 'Active users rose by 25 % to 120, from 96.',
        weight: 25,
        refs: [
          { pointer: '/figures/0/change_percentage', value: 25 },
          { pointer: '/figures/0/value', value: 120 },
          { pointer: '/figures/0/previous', value: 96 },
        ],
      },
    ],
    numbers: {
      figures: [
        {
          name: 'active_users',
          label: 'Active users',
          value: 120,
          unit: 'count',
          direction: 'up',
          previous: 96,
          change_percentage: 25,
          change_reason: null,
          as_of: '2024-01-07T21:14:03.000Z',
          complete: true,
        },
      ],
      series: [],
    },
  },
] as const;

export const exampleTemplateSections = {
  sections: [
    { type: 'metrics_summary', title: 'Key Metrics', include_charts: true },
    { type: 'ocean_insights', title: 'Personality Insights', include_aggregations: true },
  ],
};

export const exampleTemplate = {
  id: exampleTemplateId,
  organization_id,
  name: 'Weekly report',
  version: 1,
  is_default: false,
  sections_config: exampleTemplateSections,
  created_by,
  created_at: '2024-01-05T10:00:00.000Z',
  updated_at: '2024-01-05T10:00:00.000Z',
};
