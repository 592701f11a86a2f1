// The plain Node.js way: the FDK with node_modules as they are, everything loaded at the top, one INSERT an item.
const fdk = require("@fnproject/fdk");
const pg = require("pg");
const { SecretsClient } = require("oci-secrets");
const { ResourcePrincipalAuthenticationDetailsProvider } = require("oci-common");

let pool;

async function connect() {
  const client = new SecretsClient({
    authenticationDetailsProvider: ResourcePrincipalAuthenticationDetailsProvider.builder(),
  });
  if (process.env.OCI_SECRETS_ENDPOINT) client.endpoint = process.env.OCI_SECRETS_ENDPOINT;
  const { secretBundle } = await client.getSecretBundle({ secretId: process.env.DB_SECRET_OCID });
  const { host, port, dbname, username, password } = JSON.parse(
    Buffer.from(secretBundle.secretBundleContent.content, "base64").toString(),
  );
  return new pg.Pool({ host, port, database: dbname, user: username, password });
}

fdk.handle(
  async (items) => {
    const batch = Array.isArray(items);
    for (const item of batch ? items : [items]) {
      if (typeof item.name !== "string" || item.name === "") return { status: 422 };
    }
    pool ??= await connect();
    const client = await pool.connect();
    try {
      const rows = [];
      await client.query("BEGIN");
      for (const { name, description } of batch ? items : [items]) {
        const sql = "INSERT INTO items (name, description) VALUES ($1, $2) RETURNING *";
        rows.push((await client.query(sql, [name, description])).rows[0]);
      }
      await client.query("COMMIT");
      return batch ? { count: rows.length, ids: rows.map(({ id }) => id) } : rows[0];
    } finally {
      client.release();
    }
  },
  { inputMode: "json" },
);
