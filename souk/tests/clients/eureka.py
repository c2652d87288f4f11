"""Runs the calls from standard input with py-eureka-client, and prints a line of JSON for each.

The client is used as it was installed; its requests are recorded through its own `set_http_client`.
"""

import asyncio
from urllib.parse import urlsplit

from py_eureka_client import eureka_basic, http_client
from py_eureka_client.eureka_client import EurekaClient

from lines import serve

loop = asyncio.new_event_loop()
client = None
errors = []
requests = []


class Recording(http_client.HttpClient):
    # A server that returns between a round's failed registration and its fetch of the registry stops the client for
    # good: with no server in its cache, `__fetch_delta` and the `__pull_full_registry` in it take the same lock, which
    # is not reentrant. So no fetch succeeds between a failed registration and the next that succeeds.
    registered = True

    async def urlopen(self, request=None, data=None, timeout=None):
        called = request if isinstance(request, http_client.HttpRequest) else http_client.HttpRequest(request)
        requests.append(f"{called.method} {urlsplit(called.url).path}")
        registers = called.method == "POST"
        if called.method == "GET" and not self.registered:
            raise http_client.URLError("not registered")
        try:
            response = await super().urlopen(called, data=data, timeout=timeout)
        except Exception:
            self.registered = self.registered and not registers
            raise
        self.registered = self.registered or registers
        return response


http_client.set_http_client(Recording())


def of(instance):
    lease = instance.leaseInfo
    return {
        "id": instance.instanceId,
        "app": instance.app,
        "host": instance.hostName,
        "ip": instance.ipAddr,
        "port": instance.port.port,
        "portEnabled": instance.port.enabled,
        "securePort": instance.securePort.port,
        "status": instance.status,
        "overridden": instance.overriddenstatus,
        "vip": instance.vipAddress,
        "secureVip": instance.secureVipAddress,
        "homePage": instance.homePageUrl,
        "metadata": instance.metadata,
        "dataCenter": instance.dataCenterInfo.name,
        "action": instance.actionType,
        "registered": lease.registrationTimestamp,
        "renewed": lease.lastRenewalTimestamp,
        "duration": lease.durationInSecs,
    }


def all_of(applications):
    return [of(instance) for one in applications.applications for instance in one.instances]


async def start(args):
    global client
    client = EurekaClient(
        eureka_server=",".join(args["urls"]),
        app_name=args["app"],
        instance_id=args["id"],
        instance_host=args["host"],
        instance_ip="127.0.0.1",
        instance_port=args["port"],
        vip_adr=args["vip"],
        secure_vip_addr=args["vip"] + "-secure",
        metadata=args["metadata"],
        renewal_interval_in_secs=args["renewal"],
        duration_in_secs=args["duration"],
        on_error=lambda kind, error: errors.append(f"{kind}: {error}"),
    )
    await client.start()


async def stop(_):
    await client.stop()


async def seen(args):
    """Returns the instances of an application that the client knows, without a request."""
    return [of(instance) for instance in client.applications.get_application(args["app"]).instances]


async def chosen(args):
    """Returns the URL at which the client would call a service."""
    return await client.walk_nodes(args["app"], args["path"], walker=lambda url: url)


async def register(_):
    await client.register()


async def override(args):
    await client.status_update(args["status"])


async def override_other(args):
    await eureka_basic.status_update(args["url"], args["app"], args["id"], args["dirty"], args["status"])


async def end_override(_):
    await client.delete_status_override()


async def end_override_other(args):
    await eureka_basic.delete_status_override(args["url"], args["app"], args["id"], args["dirty"])


async def vip(args):
    return all_of(await eureka_basic.get_vip(args["url"], args["vip"]))


async def secure_vip(args):
    return all_of(await eureka_basic.get_secure_vip(args["url"], args["vip"]))


async def applications(args):
    got = await eureka_basic.get_applications(args["url"])
    return {"version": got.versionsDelta, "hash": got.appsHashcode, "instances": all_of(got)}


async def delta(args):
    got = await eureka_basic.get_delta(args["url"])
    return {"version": got.versionsDelta, "hash": got.appsHashcode, "instances": all_of(got)}


async def application(args):
    got = await eureka_basic.get_application(args["url"], args["app"])
    return {"name": got.name, "instances": [of(instance) for instance in got.instances]}


async def app_instance(args):
    return of(await eureka_basic.get_app_instance(args["url"], args["app"], args["id"]))


async def instance(args):
    # The function lacks one `await`: its result is a coroutine.
    return of(await (await eureka_basic.get_instance(args["url"], args["id"])))


async def cancel(args):
    await eureka_basic.cancel(args["url"], args["app"], args["id"])


async def report(_):
    return {"errors": errors, "requests": requests}


acts = [
    start, stop, seen, chosen, register, override, override_other, end_override, end_override_other, vip, secure_vip,
    applications, delta, application, app_instance, instance, cancel, report,
]
serve({act.__name__: lambda args, act=act: loop.run_until_complete(act(args)) for act in acts})
