import { CompiledQuery, type DatabaseConnection, type Driver } from 'kysely';

/**
 * Makes a driver refuse to commit a transaction in which a statement failed and the failure was passed over. PostgreSQL
 * answers such a COMMIT with a rollback and no error, so what was never stored would be announced as done.
 */
export function refuseFailedCommits(driver: Driver): Driver {
  const watched = new WeakSet<DatabaseConnection>();
  const failed = new WeakSet<DatabaseConnection>();
  const acquire = driver.acquireConnection.bind(driver);
  const begin = driver.beginTransaction.bind(driver);
  const commit = driver.commitTransaction.bind(driver);

  const watch = (connection: DatabaseConnection): DatabaseConnection => {
    if (watched.has(connection)) return connection;
    const execute = connection.executeQuery.bind(connection);
    connection.executeQuery = (query, options) =>
      execute<never>(query, options).catch((error: unknown) => {
        failed.add(connection);
        throw error;
      });
    watched.add(connection);
    return connection;
  };

  return Object.assign(driver, {
    acquireConnection: async (...options: Parameters<Driver['acquireConnection']>) => watch(await acquire(...options)),
    beginTransaction: (...[connection, settings]: Parameters<Driver['beginTransaction']>) => {
      failed.delete(connection);
      return begin(connection, settings);
    },
    commitTransaction: async (connection: DatabaseConnection) => {
      // After a failure that a savepoint took back the transaction is sound, and this passes.
      if (failed.has(connection)) await connection.executeQuery(CompiledQuery.raw('select 1'));
      return commit(connection);
    },
  });
}
