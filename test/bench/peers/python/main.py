"""The design of the older system: FastAPI on uvicorn, psycopg_pool, the OCI SDK for Python, all set up in a lifespan."""

import base64
import json
import os
from contextlib import asynccontextmanager

import oci
from fastapi import FastAPI, Request
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, Field, TypeAdapter


class Item(BaseModel):
    name: str = Field(min_length=1, max_length=255)
    description: str | None = None


ITEMS = TypeAdapter(Item | list[Item])
INSERT = "INSERT INTO items (name, description) VALUES (%s, %s) RETURNING id, name, description, created_at"


@asynccontextmanager
async def lifespan(app: FastAPI):
    signer = oci.auth.signers.get_resource_principals_signer()
    endpoint = {"service_endpoint": os.environ["OCI_SECRETS_ENDPOINT"]} if "OCI_SECRETS_ENDPOINT" in os.environ else {}
    client = oci.secrets.SecretsClient({}, signer=signer, **endpoint)
    bundle = client.get_secret_bundle(os.environ["DB_SECRET_OCID"]).data
    secret = json.loads(base64.b64decode(bundle.secret_bundle_content.content))
    conninfo = {"host": secret["host"], "port": secret["port"], "dbname": secret["dbname"]}
    kwargs = conninfo | {"user": secret["username"], "password": secret["password"]}
    async with AsyncConnectionPool(kwargs=kwargs, min_size=1, max_size=1, open=False) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/call")
async def call(request: Request):
    items = ITEMS.validate_json(await request.body())
    batch = isinstance(items, list)
    rows = []
    async with app.state.pool.connection() as connection, connection.cursor() as cursor:
        for item in items if batch else [items]:
            await cursor.execute(INSERT, (item.name, item.description))
            rows.append(await cursor.fetchone())
    if batch:
        return {"count": len(rows), "ids": [row[0] for row in rows]}
    return dict(zip(("id", "name", "description", "created_at"), rows[0]))
