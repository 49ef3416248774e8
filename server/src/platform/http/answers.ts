import type { ServerResponse } from 'node:http';

/** An answer that is bytes already: cached JSON with the tag of its version. */
export class BytesAnswer {
  readonly body: Buffer;
  readonly etag: string;

  constructor(body: Buffer, etag: string) {
    this.body = body;
    this.etag = etag;
  }
}

/** A file to download. */
export class FileAnswer {
  readonly content: Buffer | AsyncIterable<string | Buffer>;
  readonly mediaType: string;
  readonly fileName: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(file: Pick<FileAnswer, 'content' | 'mediaType' | 'fileName'> & { headers?: Record<string, string> }) {
    this.content = file.content;
    this.mediaType = file.mediaType;
    this.fileName = file.fileName;
    this.headers = file.headers ?? {};
  }
}

/** An answer that goes on: it writes the response itself, with the headers that every answer carries. */
export class StreamAnswer {
  readonly start: (response: ServerResponse, headers: Record<string, string | string[] | number>) => Promise<void>;

  constructor(start: StreamAnswer['start']) {
    this.start = start;
  }
}

/** A body with further headers, where an answer needs some beside its data. */
export class AnswerWithHeaders<T> {
  readonly data: T;
  readonly headers: Readonly<Record<string, string>>;

  constructor(data: T, headers: Readonly<Record<string, string>>) {
    this.data = data;
    this.headers = headers;
  }
}

/** A body under one of the endpoint's further statuses of success. */
export class AnswerWithStatus<T> {
  readonly data: T;
  readonly status: number;

  constructor(data: T, status: 200 | 201 | 202) {
    this.data = data;
    this.status = status;
  }
}
