"""Does with py-eureka-client what each line of standard input asks for, and answers a line of JSON.

The client is used as it was installed; the requests it makes are noted through its own `set_http_client`.
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


class Noting(http_client.HttpClient):
    async def urlopen(self, request=None, data=None, timeout=None):
        asked = request if isinstance(request, http_client.HttpRequest) else http_client.HttpRequest(request)
        requests.append(f"{asked.method} {urlsplit(asked.url).path}")
        return await super().urlopen(asked, data=data, timeout=timeout)


http_client.set_http_client(Noting())


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


async def start(ask):
    global client
    client = EurekaClient(
        eureka_server=",".join(ask["urls"]),
        app_name=ask["app"],
        instance_id=ask["id"],
        instance_host=ask["host"],
        instance_ip="127.0.0.1",
        instance_port=ask["port"],
        vip_adr=ask["vip"],
        secure_vip_addr=ask["vip"] + "-secure",
        metadata=ask["metadata"],
        renewal_interval_in_secs=ask["renewal"],
        duration_in_secs=ask["duration"],
        on_error=lambda kind, error: errors.append(f"{kind}: {error}"),
    )
    await client.start()


async def stop(_):
    await client.stop()


async def seen(ask):
    """What the client knows of an application, without asking the server."""
    return [of(instance) for instance in client.applications.get_application(ask["app"]).instances]


async def chosen(ask):
    """The URL that the client would call a service at."""
    return await client.walk_nodes(ask["app"], ask["path"], walker=lambda url: url)


async def register(_):
    await client.register()


async def override(ask):
    await client.status_update(ask["status"])


async def override_other(ask):
    await eureka_basic.status_update(ask["url"], ask["app"], ask["id"], ask["dirty"], ask["status"])


async def end_override(_):
    await client.delete_status_override()


async def end_override_other(ask):
    await eureka_basic.delete_status_override(ask["url"], ask["app"], ask["id"], ask["dirty"])


async def vip(ask):
    return all_of(await eureka_basic.get_vip(ask["url"], ask["vip"]))


async def secure_vip(ask):
    return all_of(await eureka_basic.get_secure_vip(ask["url"], ask["vip"]))


async def applications(ask):
    got = await eureka_basic.get_applications(ask["url"])
    return {"version": got.versionsDelta, "hash": got.appsHashcode, "instances": all_of(got)}


async def delta(ask):
    got = await eureka_basic.get_delta(ask["url"])
    return {"version": got.versionsDelta, "hash": got.appsHashcode, "instances": all_of(got)}


async def application(ask):
    got = await eureka_basic.get_application(ask["url"], ask["app"])
    return {"name": got.name, "instances": [of(instance) for instance in got.instances]}


async def app_instance(ask):
    return of(await eureka_basic.get_app_instance(ask["url"], ask["app"], ask["id"]))


async def instance(ask):
    # The function forgets one `await`: what it answers is still to be waited for.
    return of(await (await eureka_basic.get_instance(ask["url"], ask["id"])))


async def cancel(ask):
    await eureka_basic.cancel(ask["url"], ask["app"], ask["id"])


async def told(_):
    return {"errors": errors, "requests": requests}


acts = [
    start, stop, seen, chosen, register, override, override_other, end_override, end_override_other, vip, secure_vip,
    applications, delta, application, app_instance, instance, cancel, told,
]
serve({act.__name__: lambda ask, act=act: loop.run_until_complete(act(ask)) for act in acts})
