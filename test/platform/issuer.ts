import { generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { createApi, sendJson } from "./api.ts";
import { listen } from "./port.ts";

/** Who gives out tokens, and shows the keys by which they are known. */
export interface Issuer {
  /** What it calls itself. */
  url: string;
  keysUrl: string;
  /** A token of these claims, which otherwise is of this issuer and lasts for an hour. */
  token(claims: object, key?: KeyObject): string;
  stop(): void;
}

export async function startIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const kid = randomUUID();
  const server = createApi(async ({ url }, _body, response) => {
    if (url === "/.well-known/openid-configuration")
      sendJson(response, 200, { issuer: issuer.url, jwks_uri: issuer.keysUrl });
    else if (url === "/keys")
      sendJson(response, 200, { keys: [{ ...publicKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" }] });
    else sendJson(response, 404, {});
  });
  const url = `http://127.0.0.1:${await listen(server, 0, "")}`;
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const issuer: Issuer = {
    url,
    keysUrl: `${url}/keys`,
    token(claims, key = privateKey) {
      const exp = Math.floor(Date.now() / 1_000) + 3_600;
      const signed = `${part({ alg: "RS256", typ: "JWT", kid })}.${part({ iss: url, exp, ...claims })}`;
      return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
  return issuer;
}
