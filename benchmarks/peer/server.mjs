// The peer: node-oidc-provider on SQLite or PostgreSQL, with prepared statements and one table keyed by (type, id).
// PORT, STORE (sqlite | postgresql), DATABASE (file or URL), SYNCHRONOUS (NORMAL | FULL; PostgreSQL commits as it is set up).
import { generateKeyPairSync } from 'node:crypto';
import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(process.env.MODULES);
const { default: Provider } = await import(`file://${require.resolve('oidc-provider')}`);
const port = Number(process.env.PORT);
const now = () => Math.floor(Date.now() / 1000);
const ofGrants = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode', 'BackchannelAuthenticationRequest']);
const SCHEMA = `create table if not exists m (type text not null, id text not null, payload PAYLOAD not null, grant_id text,
  uid text, user_code text, expires bigint, consumed bigint, primary key (type, id))`;
const INDEXES = ['grant_id', 'uid', 'user_code'].map((name) => `create index if not exists m_${name} on m(${name}) where ${name} is not null`);
const COLUMNS = `payload=excluded.payload, grant_id=excluded.grant_id, uid=excluded.uid, user_code=excluded.user_code, expires=excluded.expires`;

async function openSqlite() {
  const Database = require('better-sqlite3');
  const db = new Database(process.env.DATABASE);
  db.pragma('journal_mode=WAL');
  db.pragma(`synchronous=${process.env.SYNCHRONOUS}`);
  db.pragma('cache_size=-65536');
  db.pragma('mmap_size=268435456');
  db.exec(`${SCHEMA.replace('PAYLOAD', 'text')} without rowid; ${INDEXES.join(';')}`);
  const fields = 'select payload, consumed, expires from m';
  const made = {
    upsert: db.prepare(`insert into m values (?,?,?,?,?,?,?,null) on conflict (type,id) do update set ${COLUMNS}`),
    find: db.prepare(`${fields} where type=? and id=?`),
    findByUid: db.prepare(`${fields} where type=? and uid=?`),
    findByUserCode: db.prepare(`${fields} where type=? and user_code=?`),
    consume: db.prepare('update m set consumed=? where type=? and id=?'),
    destroy: db.prepare('delete from m where type=? and id=?'),
    revoke: db.prepare('delete from m where grant_id=?'),
  };
  return {
    one: (name, ...values) => made[name].get(...values),
    run: (name, ...values) => made[name].run(...values),
    read: (row) => JSON.parse(row.payload),
    write: (payload) => JSON.stringify(payload),
  };
}

async function openPostgresql() {
  const pg = require('pg');
  const pool = new pg.Pool({ connectionString: process.env.DATABASE, max: 10 });
  await pool.query([SCHEMA.replace('PAYLOAD', 'jsonb'), ...INDEXES].join(';'));
  const fields = 'select payload, consumed, expires from m';
  const texts = {
    upsert: `insert into m values ($1,$2,$3,$4,$5,$6,$7,null) on conflict (type,id) do update set ${COLUMNS}`,
    find: `${fields} where type=$1 and id=$2`,
    findByUid: `${fields} where type=$1 and uid=$2`,
    findByUserCode: `${fields} where type=$1 and user_code=$2`,
    consume: 'update m set consumed=$1 where type=$2 and id=$3',
    destroy: 'delete from m where type=$1 and id=$2',
    revoke: 'delete from m where grant_id=$1',
  };
  const query = (name, values) => pool.query({ name, text: texts[name], values });
  return {
    one: async (name, ...values) => (await query(name, values)).rows[0],
    run: (name, ...values) => query(name, values),
    read: (row) => row.payload,
    write: (payload) => JSON.stringify(payload),
  };
}

const store = await (process.env.STORE === 'sqlite' ? openSqlite() : openPostgresql());

class Adapter {
  constructor(type) {
    this.type = type;
  }

  async upsert(id, payload, seconds) {
    const grant = ofGrants.has(this.type) ? payload.grantId ?? null : null;
    const uid = this.type === 'Session' ? payload.uid : null;
    await store.run('upsert', this.type, id, store.write(payload), grant, uid, payload.userCode ?? null, seconds ? now() + seconds : null);
  }

  async found(row) {
    if (!row || (row.expires && Number(row.expires) < now())) return undefined;
    const payload = store.read(row);
    if (row.consumed) payload.consumed = Number(row.consumed);
    return payload;
  }

  async find(id) {
    return this.found(await store.one('find', this.type, id));
  }

  async findByUid(uid) {
    return this.found(await store.one('findByUid', this.type, uid));
  }

  async findByUserCode(code) {
    return this.found(await store.one('findByUserCode', this.type, code));
  }

  async consume(id) {
    await store.run('consume', now(), this.type, id);
  }

  async destroy(id) {
    await store.run('destroy', this.type, id);
  }

  async revokeByGrantId(grant) {
    await store.run('revoke', grant);
  }
}

const key = (pair, kid, alg) => ({ ...pair.privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' });
const callback = 'https://client.example/cb';
const client = (client_id, grant_types, more = {}) => ({
  client_id,
  client_secret: process.env.CLIENT_SECRET,
  grant_types,
  redirect_uris: grant_types.includes('authorization_code') ? [callback] : [],
  ...(grant_types.includes('authorization_code') ? {} : { response_types: [] }),
  ...more,
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: Adapter,
  jwks: {
    keys: [
      key(generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'es', 'ES256'),
      key(generateKeyPairSync('rsa', { modulusLength: 2048 }), 'rs', 'RS256'),
    ],
  },
  cookies: { keys: ['a key for the cookies of this benchmark'] },
  clients: [
    client('machine', ['client_credentials']),
    client('machine-jwt', ['client_credentials']),
    client('resource', []),
    client('web-es256', ['authorization_code'], { id_token_signed_response_alg: 'ES256' }),
    client('web-rs256', ['authorization_code'], { id_token_signed_response_alg: 'RS256' }),
    client('app', ['authorization_code', 'refresh_token'], { id_token_signed_response_alg: 'ES256' }),
  ],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: async () => true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_context, resource) => ({
        scope: 'api:read',
        audience: resource,
        accessTokenTTL: 600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: resource.endsWith('rs256') ? 'RS256' : 'ES256' } },
      }),
    },
  },
  scopes: ['openid', 'offline_access', 'profile', 'email', 'api:read'],
  claims: { openid: ['sub'], profile: ['name', 'family_name', 'given_name', 'preferred_username'], email: ['email', 'email_verified'] },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async (_context, asking) => asking.grantTypeAllowed('refresh_token'),
  ttl: { AccessToken: 3600, AuthorizationCode: 60, ClientCredentials: 3600, IdToken: 3600, RefreshToken: 43200, Session: 43200, Grant: 43200, Interaction: 3600 },
  findAccount: async (_context, accountId) => ({
    accountId,
    claims: async () => ({
      sub: accountId,
      name: 'Ada Lovelace',
      given_name: 'Ada',
      family_name: 'Lovelace',
      preferred_username: 'ada',
      email: 'ada@example.com',
      email_verified: true,
    }),
  }),
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
});
provider.on('server_error', (_context, error) => console.error(error));
const answer = provider.callback();

// What a person would do at the pages, done at once.
async function interact(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  const result = {};
  if (prompt.name === 'login') {
    result.login = { accountId: 'ada' };
  } else {
    const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope('openid profile email');
    result.consent = { grantId: await grant.save() };
  }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

const server = http.createServer((request, response) => {
  if (request.url.startsWith('/interaction/')) {
    interact(request, response).catch((error) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  } else {
    answer(request, response);
  }
});
server.listen(port, '127.0.0.1');
for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => process.exit(0));
