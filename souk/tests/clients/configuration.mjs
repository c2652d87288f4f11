// Does with the two JavaScript clients of a config server what each line of standard input asks for.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { require, serve } from './lines.mjs';

const cloudConfigClient = require('cloud-config-client');
const springCloudConfig = require('spring-cloud-config');

const authOf = ({ auth }) => (auth ? { user: auth[0], pass: auth[1] } : undefined);

const acts = {
  /** cloud-config-client: flat properties, and the object with arrays replaced and with arrays merged. */
  async cloud_config_client(ask) {
    const { address: endpoint, app: name, profiles, label, headers } = ask;
    const config = await cloudConfigClient.load({ endpoint, name, profiles, label, headers, auth: authOf(ask) });
    return {
      properties: config.properties,
      object: config.toObject(),
      merged: config.toObject({ merge: true }),
      raw: config.raw,
    };
  },
  /** spring-cloud-config: reads its own two files first, and merges the server's over them. */
  async spring_cloud_config(ask) {
    const folder = mkdtempSync(join(tmpdir(), 'spring-cloud-config-'));
    const config = { enabled: true, 'fail-fast': true, name: ask.app, endpoint: ask.address, label: ask.label };
    // JSON is YAML.
    const bootstrap = { spring: { cloud: { config: { ...config, auth: authOf(ask) } } } };
    writeFileSync(join(folder, 'bootstrap.yml'), JSON.stringify(bootstrap));
    writeFileSync(join(folder, 'application.yml'), 'local: its own\ngreeting: its own\n');
    try {
      return await springCloudConfig.load({ configPath: folder, activeProfiles: ask.profiles, level: 'error' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

await serve(acts);
