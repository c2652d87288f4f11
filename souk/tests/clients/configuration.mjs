// Runs the calls from standard input with the two JavaScript clients of a config server.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { require, serve } from './lines.mjs';

const cloudConfigClient = require('cloud-config-client');
const springCloudConfig = require('spring-cloud-config');

const authOf = ({ auth }) => (auth ? { user: auth[0], pass: auth[1] } : undefined);

const acts = {
  /** Reads with cloud-config-client: flat properties, and the object with arrays replaced and with arrays merged. */
  async cloud_config_client(args) {
    const { address: endpoint, app: name, profiles, label, headers } = args;
    const config = await cloudConfigClient.load({ endpoint, name, profiles, label, headers, auth: authOf(args) });
    return {
      properties: config.properties,
      object: config.toObject(),
      merged: config.toObject({ merge: true }),
      raw: config.raw,
    };
  },
  /** Reads with spring-cloud-config, which merges the server's properties over those of its own two files. */
  async spring_cloud_config(args) {
    const folder = mkdtempSync(join(tmpdir(), 'spring-cloud-config-'));
    const config = { enabled: true, 'fail-fast': true, name: args.app, endpoint: args.address, label: args.label };
    // JSON is YAML.
    const bootstrap = { spring: { cloud: { config: { ...config, auth: authOf(args) } } } };
    writeFileSync(join(folder, 'bootstrap.yml'), JSON.stringify(bootstrap));
    writeFileSync(join(folder, 'application.yml'), 'local: its own\ngreeting: its own\n');
    try {
      return await springCloudConfig.load({ configPath: folder, activeProfiles: args.profiles, level: 'error' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

await serve(acts);
