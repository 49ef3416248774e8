import { Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Id, Time } from './identity.ts';
import { pageOf, pageQuery } from './lists.ts';
import { orNull } from './or-null.ts';

export const listMails = defineEndpoint({
  id: 'mail.list',
  method: 'GET',
  path: '/api/system/mails',
  tag: 'System',
  envelope: 'plain',
  summary: 'The mails of the last 30 days, the newest first',
  description: 'Without SMTP_URL mails are not sent but kept, and read here.',
  query: Type.Object(pageQuery, { additionalProperties: false }),
  status: 200,
  response: pageOf(
    Type.Object({
      id: Id,
      recipient: Type.String(),
      subject: Type.String(),
      status: Type.Enum(['kept', 'waiting', 'sent', 'failed']),
      body_text: orNull(Type.String({ description: 'null once it is sent' })),
      created_at: Time,
      sent_at: orNull(Time),
      attempts: Type.Integer(),
      problem: orNull(Type.String()),
    }),
  ),
  errors: [],
  example: {
    query: {},
    response: {
      items: [
        {
          id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b61',
          recipient: 'ada@example.org',
          subject: 'Confirm your address',
          status: 'kept',
          body_text:
            'Open this link to confirm that this address is yours: http://localhost:5000/#verify-email=q1Yl0vY3',
          created_at: '2024-12-16T09:30:00.000Z',
          sent_at: null,
          attempts: 0,
          problem: null,
        },
      ],
      next_cursor: null,
    },
  },
});
