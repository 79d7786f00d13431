"""The API's calls, as tests make them over real sockets."""

import httpx

from making import Made
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
