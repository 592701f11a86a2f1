// The least that a function in Node.js can do: FDK and driver, one prepared INSERT; nothing validated, repeated, bounded or logged.
const { handle } = require("@fnproject/fdk");
const { Client } = require("pg");

let client;

handle(
  async (body) => {
    const { name, description } = JSON.parse(body);
    if (!client) {
      client = new Client(process.env.DATABASE_URL);
      await client.connect();
    }
    const text = "INSERT INTO items (name, description) VALUES ($1, $2) RETURNING id, created_at";
    return (await client.query({ name: "insert", text, values: [name, description] })).rows[0];
  },
  { inputMode: "buffer" },
);
