/** The client that the server itself serves, so that the page needs no build. */
declare module '*/socket.io.esm.min.js' {
  export { io } from 'socket.io-client';
}
