"""Runs the calls from standard input with the three Python clients of a config server."""

import logging
import os

from config.auth import OAuth2
from config.spring import ConfigClient
from spring_config import ClientConfigurationBuilder
from spring_config.client import SpringConfigClient as JsonClient
from spring_config_client import SpringConfigClient as FlatClient

from lines import serve


# config-client reports errors only in its log.
logging.basicConfig()


def of(args):
    """Creates a config-client. Without a label it requests its own default."""
    given = {"address": args["address"], "app_name": args["app"], "profile": args["profile"]}
    if "label" in args:
        given["label"] = args["label"]
    if "oauth2" in args:
        given["oauth2"] = OAuth2(args["oauth2"], client_id="shop", client_secret="s3cret")
    return ConfigClient(fail_fast=False, **given)


def with_auth(args):
    return {"auth": tuple(args["auth"])} if "auth" in args else {}


def config_client(args):
    client = of(args)
    client.get_config(**with_auth(args))
    return client.config


def config_client_get(args):
    client = of(args)
    client.get_config(**with_auth(args))
    return [client.get(key) for key in args["keys"]]


def config_client_file(args):
    return of(args).get_file(args["file"], **with_auth(args))


def config_client_encrypt(args):
    return ConfigClient(address=args["address"]).encrypt(args["value"], **with_auth(args))


def config_client_decrypt(args):
    return ConfigClient(address=args["address"]).decrypt(args["value"], **with_auth(args))


def spring_config_client(args):
    """Reads with spring-config-client, a singleton that is discarded first."""
    building = ClientConfigurationBuilder().address(args["address"]).app_name(args["app"]).profile(args["profile"])
    if "label" in args:
        building = building.branch(args["label"])
    if "auth" in args:
        building = building.authentication(tuple(args["auth"]))
    JsonClient.discard_singleton()
    return JsonClient(building.build()).get_config()


def spring_config_client_python(args):
    """Reads with spring-config-client-python, which also sets the properties as environment variables."""
    user, password = args.get("auth", (None, None))
    client = FlatClient(args["address"], args["app"], args["profile"], username=user, password=password)
    found = client.fetch_and_load()
    assert all(key in os.environ for key in found)
    return found


acts = [
    config_client, config_client_get, config_client_file, config_client_encrypt, config_client_decrypt,
    spring_config_client, spring_config_client_python,
]
serve({act.__name__: act for act in acts})
