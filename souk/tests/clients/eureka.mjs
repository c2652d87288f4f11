// Runs the calls from standard input with eureka-js-client, and prints a line of JSON for each. The client is used as it
// was installed; its requests are recorded through its own `requestMiddleware`.
import { promisify } from 'node:util';
import { require, serve } from './lines.mjs';

const { Eureka } = require('eureka-js-client');

let client;
const events = {};
const requests = [];

const of = (instance) => ({
  id: instance.instanceId,
  app: instance.app,
  host: instance.hostName,
  ip: instance.ipAddr,
  port: instance.port.$,
  portEnabled: instance.port['@enabled'],
  securePort: instance.securePort.$,
  status: instance.status,
  overridden: instance.overriddenStatus,
  vip: instance.vipAddress,
  secureVip: instance.secureVipAddress,
  homePage: instance.homePageUrl,
  metadata: instance.metadata,
  dataCenter: instance.dataCenterInfo.name,
  action: instance.actionType,
  registered: instance.leaseInfo.registrationTimestamp,
  renewed: instance.leaseInfo.lastRenewalTimestamp,
  duration: instance.leaseInfo.durationInSecs,
});

const acts = {
  async start(args) {
    client = new Eureka({
      shouldUseDelta: args.delta,
      requestMiddleware: (request, done) => {
        requests.push(`${request.method ?? 'GET'} ${new URL(request.baseUrl).pathname}${request.uri}`);
        done(request);
      },
      instance: {
        app: args.app,
        instanceId: args.id,
        hostName: args.host,
        ipAddr: '127.0.0.1',
        port: { $: args.port, '@enabled': true },
        vipAddress: args.vip,
        secureVipAddress: `${args.vip}-secure`,
        homePageUrl: `http://${args.host}:${args.port}/`,
        metadata: args.metadata,
        dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
        leaseInfo: { renewalIntervalInSecs: args.renewal, durationInSecs: args.duration },
      },
      eureka: {
        ...server(args),
        heartbeatInterval: args.renewal * 1000,
        registryFetchInterval: 500,
        maxRetries: 3,
        requestRetryDelay: 100,
        filterUpInstances: args.onlyUp ?? true,
      },
    });
    for (const event of ['registered', 'deregistered', 'heartbeat', 'registryUpdated']) {
      events[event] = 0;
      client.on(event, () => {
        events[event] += 1;
      });
    }
    await promisify(client.start.bind(client))();
  },
  stop: () => promisify(client.stop.bind(client))(),
  /** Returns the instances of an application that the client knows, without a request. */
  seen: (args) => client.getInstancesByAppId(args.app).map(of),
  /** Returns the instances of a virtual address that the client knows, without a request. */
  seen_by_vip: (args) => client.getInstancesByVipAddress(args.vip).map(of),
  report: () => ({ events, requests }),
};

/** Returns the settings of one server by host and port, as in the client's own example, or of a list of URLs. */
function server({ urls }) {
  if (urls.length > 1 || new URL(urls[0]).username) {
    return { serviceUrls: { default: urls.map((url) => `${url}/apps/`) } };
  }
  const { hostname, port, pathname } = new URL(urls[0]);
  return { host: hostname, port, servicePath: `${pathname}/apps/` };
}

await serve(acts);
