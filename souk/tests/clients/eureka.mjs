// Does with eureka-js-client what each line of standard input asks for, and answers a line of JSON. The client is
// used as it was installed; the requests it makes are noted through its own `requestMiddleware`.
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
  async start(ask) {
    client = new Eureka({
      shouldUseDelta: ask.delta,
      requestMiddleware: (request, done) => {
        requests.push(`${request.method ?? 'GET'} ${new URL(request.baseUrl).pathname}${request.uri}`);
        done(request);
      },
      instance: {
        app: ask.app,
        instanceId: ask.id,
        hostName: ask.host,
        ipAddr: '127.0.0.1',
        port: { $: ask.port, '@enabled': true },
        vipAddress: ask.vip,
        secureVipAddress: `${ask.vip}-secure`,
        homePageUrl: `http://${ask.host}:${ask.port}/`,
        metadata: ask.metadata,
        dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
        leaseInfo: { renewalIntervalInSecs: ask.renewal, durationInSecs: ask.duration },
      },
      eureka: {
        ...server(ask),
        heartbeatInterval: ask.renewal * 1000,
        registryFetchInterval: 500,
        maxRetries: 3,
        requestRetryDelay: 100,
        filterUpInstances: ask.onlyUp ?? true,
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
  /** What the client knows of an application, without asking the server. */
  seen: (ask) => client.getInstancesByAppId(ask.app).map(of),
  /** The same of a virtual address. */
  seen_by_vip: (ask) => client.getInstancesByVipAddress(ask.vip).map(of),
  told: () => ({ events, requests }),
};

/** One server by its host and port as in the client's own example, or a list of URLs. */
function server({ urls }) {
  if (urls.length > 1 || new URL(urls[0]).username) {
    return { serviceUrls: { default: urls.map((url) => `${url}/apps/`) } };
  }
  const { hostname, port, pathname } = new URL(urls[0]);
  return { host: hostname, port, servicePath: `${pathname}/apps/` };
}

await serve(acts);
