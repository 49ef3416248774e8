/** The OpenAPI document of the server, as it answers it under `/openapi.json`. */
export async function renderOpenapi(): Promise<string> {
  const { describeApi } = await import('../../server/src/app/describe-api.ts');
  return `${JSON.stringify(await describeApi(), null, 2)}\n`;
}
