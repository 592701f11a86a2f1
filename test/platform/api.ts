import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { SignatureError } from "./signature.ts";

/** An answer other than success, as the OCI API words it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type Handle = (request: IncomingMessage, body: Buffer, response: ServerResponse) => Promise<void>;

/** An HTTP server that reads a request whole, and words errors as the OCI API does. */
export function createApi(handle: Handle): Server {
  return createServer(async (request, response) => {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      await handle(request, Buffer.concat(chunks), response);
    } catch (error) {
      if (response.headersSent || response.destroyed) return;
      if (error instanceof ApiError) sendJson(response, error.status, { code: error.code, message: error.message });
      else if (error instanceof SignatureError) {
        sendJson(response, 401, {
          code: "NotAuthenticated",
          message: `The request is not authenticated: ${error.message}`,
        });
      } else sendJson(response, 500, { code: "InternalServerError", message: (error as Error).stack });
    }
  });
}

export function sendJson(response: ServerResponse, status: number, body: object, headers: object = {}): void {
  response.writeHead(status, { "content-type": "application/json", "opc-request-id": randomUUID(), ...headers });
  response.end(JSON.stringify(body));
}
