"""The API's calls, as tests make them over real sockets."""

import httpx

from support.secrets import Made, MadeRequest
from taina import base64url


def bearer(token: bytes) -> dict[str, str]:
    return {"Authorization": f"Bearer {base64url.encode(token)}"}


def secret_path(made: Made) -> str:
    return f"/secrets/{base64url.encode(made.id)}"


def receipt_path(made: Made) -> str:
    return f"/receipts/{base64url.encode(made.receipt_id)}"


def claim_path(made: Made) -> str:
    return f"/claims/{base64url.encode(made.claim_id)}"


def create(api: httpx.Client, made: Made) -> Made:
    assert api.put(secret_path(made), json=made.body()).status_code == 201
    return made


def reveal(api: httpx.Client, made: Made, *, claim: bool = True) -> httpx.Response:
    body = made.reveal_body(claim=claim)
    return api.post(f"{secret_path(made)}/reveal", headers=bearer(made.link_proof), json=body)


def upload(api: httpx.Client, made: Made, n: int) -> httpx.Response:
    headers = {**bearer(made.receipt_token), "Content-Type": "application/octet-stream"}
    return api.put(f"{secret_path(made)}/chunks/{n}", headers=headers, content=made.chunks[n])


def request_path(made: MadeRequest) -> str:
    return f"/requests/{base64url.encode(made.id)}"


def ask(api: httpx.Client, made: MadeRequest) -> MadeRequest:
    assert api.put(request_path(made), json=made.body()).status_code == 201
    return made


def answer(api: httpx.Client, made: MadeRequest, sealed: bytes) -> httpx.Response:
    body = {"envelope": base64url.encode(sealed)}
    return api.post(f"{request_path(made)}/envelopes", headers=bearer(made.answer_token), json=body)


def inbox(api: httpx.Client, made: MadeRequest) -> httpx.Response:
    return api.get(f"{request_path(made)}/envelopes", headers=bearer(made.inbox_token))
