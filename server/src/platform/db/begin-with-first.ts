import { CompiledQuery, type DatabaseConnection, type Driver } from 'kysely';

/**
 * Makes a driver of a server send BEGIN together with the first statement of a transaction, where that has no
 * parameters: a way there and back less for each transaction. One that ends before its first statement is never begun.
 */
export function beginWithFirst(driver: Driver): Driver {
  const known = new WeakSet<DatabaseConnection>();
  const waiting = new WeakSet<DatabaseConnection>();
  const acquire = driver.acquireConnection.bind(driver);
  const begin = driver.beginTransaction.bind(driver);
  const [commit, rollback] = [driver.commitTransaction.bind(driver), driver.rollbackTransaction.bind(driver)];

  const watch = (connection: DatabaseConnection): DatabaseConnection => {
    if (known.has(connection)) return connection;
    const execute = connection.executeQuery.bind(connection);
    connection.executeQuery = async (query, options) => {
      if (!waiting.delete(connection)) return execute(query, options);
      if (query.parameters.length === 0) return execute({ ...query, sql: `begin; ${query.sql}` }, options);
      await execute(CompiledQuery.raw('begin'));
      return execute(query, options);
    };
    known.add(connection);
    return connection;
  };

  return Object.assign(driver, {
    acquireConnection: async (...options: Parameters<Driver['acquireConnection']>) => watch(await acquire(...options)),
    beginTransaction: async (...[connection, settings]: Parameters<Driver['beginTransaction']>) => {
      if (settings.isolationLevel || settings.accessMode) await begin(connection, settings);
      else waiting.add(connection);
    },
    commitTransaction: async (connection: DatabaseConnection) => {
      if (!waiting.delete(connection)) await commit(connection);
    },
    rollbackTransaction: async (connection: DatabaseConnection) => {
      if (!waiting.delete(connection)) await rollback(connection);
    },
  });
}
