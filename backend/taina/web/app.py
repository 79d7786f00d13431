"""The WSGI application: every route of the API, and the built site below it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import falcon
from falcon.media import JSONHandler
from falcon.routing import CompiledRouter

from taina.errors import NotFoundError
from taina.rules.secret_requests import SecretRequests
from taina.rules.vault import Vault
from taina.web import openapi, problems
from taina.web import secrets as resources
from taina.web.access_log import Observer, Observing
from taina.web.admission import Admission
from taina.web.headers import CALLS, ApiSecurity
from taina.web.health import HealthResource, ReadyResource
from taina.web.limits import ClientLimits, Rates
from taina.web.mail import MailResource
from taina.web.policy import Policy
from taina.web.proof_of_work import Work
from taina.web.secret_requests import EnvelopesResource, SecretRequestResource
from taina.web.site import Site

Application = falcon.App[falcon.Request, falcon.Response]
API = "/api/v1"
_RATES = Rates()
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))


def create_app(
    vault: Vault,
    requests: SecretRequests,
    site: Site | None = None,
    rates: Rates = _RATES,
    admission: Admission | None = None,
    policy: Policy | None = None,
    mail: MailResource | None = None,
    origins: tuple[str, ...] = (),
    work: int = 0,
    observers: Sequence[Observer] = (),
    sweep_age: Callable[[], float] = lambda: 0.0,
) -> Application:
    """The WSGI application: the API, and the built site below it where there is one.

    Args:
        admission: who may make secrets and requests; None lets anyone.
        policy: what the operator has laid down, for clients; None leaves them free.
        mail: mails links; None does not.
        origins: other addresses whose pages may use the API.
        work: bits of proof of work for each new secret and request; 0 asks for none.
        observers: are told of each request.
        sweep_age: tells the seconds since what was due was last destroyed.
    """
    admission = admission or Admission(None, requests)
    mail = mail or MailResource()
    limits = ClientLimits(rates)
    app = _App(router=_Router())
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = JSONHandler(dumps=_ENCODER.encode)
    if observers:
        app.add_middleware(Observing(observers))
    app.add_middleware(ApiSecurity(origins))
    app.add_middleware(limits)
    problems.install(app)
    app.add_route(f"{API}/status", resources.StatusResource(vault, admission, policy or Policy(), mails=mail.mails))
    app.add_route(f"{API}/mail", mail)
    app.add_route(f"{API}/health", HealthResource())
    app.add_route(f"{API}/ready", ReadyResource(vault, sweep_age))
    app.add_route(f"{API}/openapi.json", openapi.OpenApiResource(vault.limits))
    app.add_route(f"{API}/secrets/{{secret_id}}", resources.SecretResource(vault, admission, limits, Work(work)))
    app.add_route(f"{API}/secrets/{{secret_id}}/reveal", resources.RevealResource(vault))
    app.add_route(f"{API}/secrets/{{secret_id}}/chunks", resources.ChunksResource(vault))
    app.add_route(f"{API}/secrets/{{secret_id}}/chunks/{{n}}", resources.ChunkResource(vault))
    app.add_route(f"{API}/claims/{{claim_id}}", resources.ClaimResource(vault))
    app.add_route(f"{API}/claims/{{claim_id}}/ack", resources.AcknowledgeResource(vault))
    app.add_route(f"{API}/claims/{{claim_id}}/chunks/{{n}}", resources.ClaimChunkResource(vault))
    app.add_route(f"{API}/receipts/{{receipt_id}}", resources.ReceiptResource(vault))
    app.add_route(f"{API}/receipts/{{receipt_id}}/burn", resources.BurnResource(vault))
    app.add_route(f"{API}/requests/{{request_id}}", SecretRequestResource(requests, admission, Work(work)))
    app.add_route(f"{API}/requests/{{request_id}}/envelopes", EnvelopesResource(requests))
    if site is not None:
        app.add_sink(site, prefix="/")
    app.add_sink(_no_such_call, prefix=CALLS)
    return app


class _App(falcon.App[falcon.Request, falcon.Response]):
    """Without methods that Falcon keeps for itself, and would refuse before our headers and budgets see them."""

    _META_METHODS = frozenset()


class _Router(CompiledRouter):
    """Whatever answers GET answers HEAD in the same way (RFC 9110, 9.3.2); the listener leaves the body out."""

    def map_http_methods(self, resource: object, **kwargs: Any) -> dict[str, Any]:
        methods = super().map_http_methods(resource, **kwargs)
        return methods | {"HEAD": methods["GET"]} if "GET" in methods else methods


def _no_such_call(req: falcon.Request, resp: falcon.Response, **kwargs: Any) -> None:
    raise NotFoundError("There is no such call; see /api/v1/openapi.json.")
