import { afterAll, beforeAll, expect, test } from 'vitest';
import { callMembers, type MembersScene, makeMembersScene, send } from '#testing/members-scene.ts';

let scene: MembersScene;
beforeAll(async () => {
  scene = await makeMembersScene();
  // The first account administers the installation, and could not be erased.
  await scene.makePerson();
});
afterAll(() => scene.it.close());

test('dashboards count members anew when one is added, accepts, is put out, leaves or is erased', async () => {
  const organization = await scene.makeOrganization('pro');
  const owner = await organization.member('owner');
  const members = callMembers(scene, organization);
  const [added, invited, erased] = [await scene.makePerson(), await scene.makePerson(), await scene.makePerson()];
  const total = async () => {
    const { status, body } = await send(scene.it.app, { url: '/api/dashboard/summary', headers: owner.headers });
    expect(status).toBe(200);
    return body.user_stats.total_users;
  };
  expect(await total()).toBe(1);
  expect((await members.add(owner, { email: added.email, role: 'viewer' })).status).toBe(201);
  expect(await total()).toBe(2);
  expect((await scene.accept(invited, await members.mailInvitation(owner, invited.email))).status).toBe(200);
  expect(await total()).toBe(3);
  expect((await members.remove(owner, added.userId)).status).toBe(204);
  expect(await total()).toBe(2);
  expect((await members.leave(invited)).status).toBe(204);
  expect(await total()).toBe(1);
  await members.add(owner, { email: erased.email, role: 'viewer' });
  expect(await total()).toBe(2);
  const erasing = await send(scene.it.app, {
    method: 'DELETE',
    url: '/users/me',
    headers: erased.headers,
    body: { password: 'correct horse battery' },
  });
  expect(erasing.status).toBe(204);
  expect(await total()).toBe(1);
});
