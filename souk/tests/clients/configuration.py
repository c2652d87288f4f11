"""Does with the three Python clients of a config server what each line of standard input asks for."""

import logging
import os

from config.auth import OAuth2
from config.spring import ConfigClient
from spring_config import ClientConfigurationBuilder
from spring_config.client import SpringConfigClient as JsonClient
from spring_config_client import SpringConfigClient as FlatClient

from lines import serve


# config-client says in its log alone what went wrong.
logging.basicConfig()


def of(ask):
    """config-client; without a label it asks for its own default one."""
    given = {"address": ask["address"], "app_name": ask["app"], "profile": ask["profile"]}
    if "label" in ask:
        given["label"] = ask["label"]
    if "oauth2" in ask:
        given["oauth2"] = OAuth2(ask["oauth2"], client_id="shop", client_secret="s3cret")
    return ConfigClient(fail_fast=False, **given)


def with_auth(ask):
    return {"auth": tuple(ask["auth"])} if "auth" in ask else {}


def config_client(ask):
    client = of(ask)
    client.get_config(**with_auth(ask))
    return client.config


def config_client_get(ask):
    client = of(ask)
    client.get_config(**with_auth(ask))
    return [client.get(key) for key in ask["keys"]]


def config_client_file(ask):
    return of(ask).get_file(ask["file"], **with_auth(ask))


def config_client_encrypt(ask):
    return ConfigClient(address=ask["address"]).encrypt(ask["value"], **with_auth(ask))


def config_client_decrypt(ask):
    return ConfigClient(address=ask["address"]).decrypt(ask["value"], **with_auth(ask))


def spring_config_client(ask):
    """spring-config-client: one for each process, unless it is told to forget it."""
    building = ClientConfigurationBuilder().address(ask["address"]).app_name(ask["app"]).profile(ask["profile"])
    if "label" in ask:
        building = building.branch(ask["label"])
    if "auth" in ask:
        building = building.authentication(tuple(ask["auth"]))
    JsonClient.discard_singleton()
    return JsonClient(building.build()).get_config()


def spring_config_client_python(ask):
    """spring-config-client-python: answers the properties, and leaves them in the environment as text."""
    user, password = ask.get("auth", (None, None))
    client = FlatClient(ask["address"], ask["app"], ask["profile"], username=user, password=password)
    found = client.fetch_and_load()
    assert all(key in os.environ for key in found)
    return found


acts = [
    config_client, config_client_get, config_client_file, config_client_encrypt, config_client_decrypt,
    spring_config_client, spring_config_client_python,
]
serve({act.__name__: act for act in acts})
