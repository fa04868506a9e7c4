import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** One end of a WebSocket, as much of RFC 6455 as short text messages on the loopback need. */
export class Socket {
  onText: (text: string) => void = () => {};
  onClose: () => void = () => {};
  #rest: Buffer = Buffer.alloc(0);
  #open = true;

  constructor(private readonly stream: Duplex) {
    stream.on("data", (data: Buffer) => this.#take(data));
    stream.on("error", () => {});
    // The server's streams stay half open otherwise.
    stream.on("end", () => stream.destroy());
    stream.on("close", () => {
      this.#open = false;
      this.onClose();
    });
  }

  /** Answers a request to upgrade. */
  static accept(req: IncomingMessage, stream: Duplex): Socket {
    const key = createHash("sha1").update(`${req.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    stream.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`);
    return new Socket(stream);
  }

  send(text: string): void {
    const body = Buffer.from(text);
    if (body.length < 126) return this.#frame(1, Buffer.from([body.length]), body);
    const length = Buffer.alloc(3);
    length[0] = 126;
    length.writeUInt16BE(body.length, 1);
    this.#frame(1, length, body);
  }

  close(): void {
    this.#frame(8, Buffer.from([0]), Buffer.alloc(0));
    this.stream.end(() => this.stream.destroy());
  }

  #frame(opcode: number, length: Buffer, body: Buffer): void {
    if (this.#open) this.stream.write(Buffer.concat([Buffer.from([0x80 | opcode]), length, body]));
  }

  #take(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (;;) {
      const [first = 0, second = 0] = this.#rest;
      let [at, length] = [2, second & 0x7f];
      if (length === 126) {
        if (this.#rest.length < 4) return;
        [at, length] = [4, this.#rest.readUInt16BE(2)];
      }
      if (this.#rest.length < at + 4 + length) return;
      const mask = this.#rest.subarray(at, at + 4);
      const body = Buffer.from(this.#rest.subarray(at + 4, at + 4 + length)).map((byte, i) => byte ^ (mask[i % 4] ?? 0));
      this.#rest = this.#rest.subarray(at + 4 + length);
      if ((first & 0xf) === 1) this.onText(Buffer.from(body).toString());
      else if ((first & 0xf) === 8) this.close();
    }
  }
}
