"""`/healthz` and `/readyz` of a process without pages."""

import httpx2
import pytest

from moyai.health import serving


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
def test_alive_is_not_ready(ready: bool, status: int) -> None:
    with serving("127.0.0.1", 0, lambda: {"ready": ready, "queued": 7}) as port:
        url = f"http://127.0.0.1:{port}"
        assert httpx2.get(f"{url}/healthz", trust_env=False).status_code == 200
        answer = httpx2.get(f"{url}/readyz", trust_env=False)
        assert (answer.status_code, answer.json()) == (status, {"ready": ready, "queued": 7})
        assert httpx2.get(f"{url}/passwords", trust_env=False).status_code == 404
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{url}/healthz", trust_env=False)
