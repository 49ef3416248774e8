import type { Socket } from 'node:net';
import type { Socket as SocketIoSocket } from 'socket.io';

/** The connection under one or more namespaces. */
export type EngineConnection = SocketIoSocket['conn'];

interface Packet {
  data?: string | ArrayBufferView | ArrayBuffer;
}

/** The parts of engine.io and ws, not in their types, that know what still waits to be sent. */
interface EngineInternals {
  writeBuffer: Packet[];
  transport: {
    name: string;
    socket?: { bufferedAmount: number; _socket?: NetInternals; terminate(): void };
  };
}

interface NetInternals {
  _handle?: { writeQueueSize?: number };
}

/**
 * Measures what waits to be sent on a connection, in engine.io's buffer and in the transport's. Stock Socket.IO lets both
 * grow without bound for a client that has stopped reading.
 */
export class TransportGauge {
  readonly #conn: EngineConnection;
  readonly #internals: EngineInternals;
  #queuedBytes: number;
  #handedOver = 0;
  /** The socket under the last answer to a polling request. */
  #pollingSocket: Socket | undefined;
  #isWakeDue = false;
  #onRoom: (() => void)[] = [];

  constructor(conn: EngineConnection) {
    this.#conn = conn;
    this.#internals = conn as unknown as EngineInternals;
    this.#queuedBytes = sizeOfAll(this.#internals.writeBuffer);
    conn.on('packetCreate', (packet: Packet) => {
      this.#queuedBytes += sizeOf(packet);
    });
    conn.on('flush', (packets: Packet[]) => {
      this.#queuedBytes -= sizeOfAll(packets);
      this.#handedOver += 1;
    });
    conn.on('drain', this.#wakeSoon);
    conn.on('close', this.#wakeSoon);
    conn.on('upgrade', () => this.#watchTransport());
    this.#watchTransport();
  }

  get isOpen(): boolean {
    return this.#conn.readyState === 'open';
  }

  get transportName(): string {
    return this.#internals.transport.name;
  }

  /** Bytes written and not yet taken by the operating system. */
  get waitingBytes(): number {
    return this.#queuedBytes + this.#transportBytes();
  }

  /** Changes whenever the client takes something. */
  progressMark(): string {
    const queue = this.#internals.transport.socket?._socket?._handle?.writeQueueSize ?? 0;
    return `${this.#handedOver}/${this.#transportBytes()}/${queue}`;
  }

  /** Resolves when at most so many bytes wait, or the connection closes. */
  async room(maxBytes: number): Promise<void> {
    while (this.isOpen && this.waitingBytes > maxBytes) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onRoom.push(resolve);
      await promise;
    }
  }

  /** Lets what waits be sent, then closes the transport; drops it where that takes too long. */
  closeWithin(milliseconds: number): void {
    if (this.#conn.readyState === 'closed') return;
    const timer = setTimeout(() => this.terminate(), milliseconds);
    this.#conn.once('close', () => clearTimeout(timer));
    this.#conn.close();
  }

  /** Drops the connection with all that waits. */
  terminate(): void {
    const { socket } = this.#internals.transport;
    this.#conn.close(true);
    socket?.terminate();
    this.#pollingSocket?.destroy();
  }

  #transportBytes(): number {
    const { socket } = this.#internals.transport;
    if (socket) return socket.bufferedAmount;
    return this.#pollingSocket?.destroyed === false ? this.#pollingSocket.writableLength : 0;
  }

  #watchTransport(): void {
    const { transport } = this.#conn;
    transport.on('ready', this.#wakeSoon);
    transport.on('headers', (_headers: unknown, request: { socket: Socket }) => {
      this.#pollingSocket = request.socket;
    });
  }

  // Never at once: engine.io emits some of these while its buffer is between two states.
  readonly #wakeSoon = (): void => {
    if (this.#isWakeDue || this.#onRoom.length === 0) return;
    this.#isWakeDue = true;
    setImmediate(() => {
      this.#isWakeDue = false;
      const waiting = this.#onRoom;
      this.#onRoom = [];
      for (const wake of waiting) wake();
    });
  };
}

function sizeOfAll(packets: readonly Packet[]): number {
  return packets.reduce((total, packet) => total + sizeOf(packet), 0);
}

function sizeOf({ data }: Packet): number {
  if (data === undefined) return 0;
  return typeof data === 'string' ? data.length : data.byteLength;
}
