"""A mail server that is down: the registration stands, the mail waits, the status page says so (RL-2)."""

from __future__ import annotations

import time

from tests.support.world import World


def test_a_registration_stands_while_the_mail_server_is_down(world: World) -> None:
    """Nothing is lost: the page says that the mail waits, and it goes out when the server is back."""
    world.smtp.go_down()
    visitor = world.visitor()
    visitor.get("/register")
    page = visitor.submit(
        "register-submit",
        email="mona@example.org",
        given_name="Mona",
        family_name="Mailless",
        company="Works",
        country="DE",
        serial_number="CD111X",
        new_password="nineteen-green-bottles",
    )
    assert page.status == 200
    limit = time.monotonic() + 10
    while "The mail waits" not in (text := visitor.get("/register/status").text):
        assert time.monotonic() < limit, text
        time.sleep(0.1)
    assert "Your registration is safe" in text
    world.smtp.come_up()
    world.clock.move(minutes=5)
    mail = world.mail_to("mona@example.org", containing="/confirm/", seconds=30)
    visitor.get(world.link_in(mail, "/confirm/"))
    visitor.submit("confirm-submit")
    assert "review" in visitor.get("/register/status").text
