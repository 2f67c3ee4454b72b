// A certified OpenID provider that is not ours (npm: oidc-provider), for tests/interop/test_oidc.py.
// Usage: node oidc_provider.mjs PORT CONFIGURATION, the latter as JSON: clients and accounts.
// Says "ready" on standard output.  Its own pages for developers ask a login; any password is right.
import Provider from "oidc-provider";

const [port, configuration] = [Number(process.argv[2]), JSON.parse(process.argv[3])];
const issuer = `http://localhost:${port}`;
const provider = new Provider(issuer, {
  clients: configuration.clients,
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...configuration.accounts[id] }) }),
  claims: { openid: ["sub"], profile: ["given_name", "family_name", "name"] },
  conformIdTokenClaims: configuration.conform ?? false,
  acrValues: ["urn:test:low", "urn:test:high"],
  enabledJWA: { clientAuthSigningAlgValues: ["ES256", "RS256"] },
  features: {
    devInteractions: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    userinfo: { enabled: true },
  },
  pkce: { required: () => true },
  ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 300, IdToken: 300, Interaction: 300, Session: 300 },
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
