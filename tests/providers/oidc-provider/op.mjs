// oidc-provider, a certified OpenID provider that is not ours, set up as a company's would be for us.
// usage: node op.mjs PORT    (0 takes a free one; `start` beside this file does the rest)
// env: ACCESS_TOKEN_LIFETIME seconds
//
// Keys, grants and sessions live in memory: a restart on the same port is a rotation with the old key
// gone and every refresh token forgotten, which is a test of its own.
import http from 'node:http';
import Provider from 'oidc-provider';

console.info = console.error; // standard output is for `ready ISSUER` alone

const users = {
  alice: { email: 'alice@example.test', groups: ['dev', 'deploy'] },
  bob: { email: 'bob@example.test', groups: ['dev'] },
  boss: { email: 'boss@example.test', groups: ['valetkey-admins'] },
};
const grants = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'];
const clients = [
  {
    client_id: 'valetkey',
    client_name: 'Valetkey',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: grants,
    response_types: ['code'],
    // RFC 8252 section 7.3: for native clients the port of a loopback redirect is not compared.
    redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback'],
    post_logout_redirect_uris: ['http://127.0.0.1/bye'],
  },
  {
    // The peer of the bench. oidc-agent 4 always sends HTTP Basic, so it cannot be a public client.
    client_id: 'oidc-agent',
    client_secret: 'oidc-agent-secret',
    application_type: 'native',
    grant_types: grants,
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1/callback', 'http://localhost:4242'],
  },
];

async function key(alg, params) {
  const { privateKey } = await crypto.subtle.generateKey(params, true, ['sign', 'verify']);
  const { key_ops, ext, ...jwk } = await crypto.subtle.exportKey('jwk', privateKey);
  return { ...jwk, alg, use: 'sig' };
}
const rsa = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
const jwks = { keys: [await key('RS256', rsa), await key('ES256', { name: 'ECDSA', namedCurve: 'P-256' })] };

function provider(issuer) {
  return new Provider(issuer, {
    clients,
    jwks,
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    conformIdTokenClaims: false, // email and groups in the ID token too, not only in userinfo
    findAccount: (_ctx, id) =>
      users[id] && { accountId: id, claims: () => ({ sub: id, name: id, email_verified: true, ...users[id] }) },
    pkce: { required: () => true },
    // offline_access is granted only to requests with prompt=consent; others lose it without a word.
    issueRefreshToken: (_ctx, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: Number(process.env.ACCESS_TOKEN_LIFETIME ?? 300),
      IdToken: 300, RefreshToken: 86400, DeviceCode: 600, Grant: 86400, Session: 86400, Interaction: 600,
    },
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      introspection: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: { enabled: true },
    },
  });
}

// The issuer is known only once the port is, so the server listens first.
const server = http.createServer();
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const op = provider(issuer);
  for (const event of ['grant.success', 'grant.error', 'grant.revoked', 'refresh_token.consumed', 'server_error']) {
    op.on(event, (...args) => console.error(event, args.map((a) => a?.error_description ?? a?.message ?? '').join(' ')));
  }
  server.on('request', op.callback());
  console.log(`ready ${issuer}`);
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
