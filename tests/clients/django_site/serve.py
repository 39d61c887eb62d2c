"""A Django project around what docs/connect/mozilla-django-oidc.md shows.

Run by .venv-clients with the page's files on its path: python serve.py PORT SECONDS_UNTIL_ASKED_ANEW.
"""

import sys

import django
import oidc_settings
from django.conf import settings
from django.core.management import call_command

port, seconds = sys.argv[1:]

SESSIONS = "django.contrib.sessions"
OWN = {
    "ALLOWED_HOSTS": ["127.0.0.1"],
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.sqlite3"}},
    "INSTALLED_APPS": ["django.contrib.auth", "django.contrib.contenttypes", SESSIONS, "mozilla_django_oidc"],
    "MIDDLEWARE": [
        f"{SESSIONS}.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "mozilla_django_oidc.middleware.SessionRefresh",
    ],
    "ROOT_URLCONF": "urls",
    "SECRET_KEY": "of a site that lives for one test",
    "USE_TZ": True,
    "OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS": int(seconds),
}

settings.configure(**{**{name: value for name, value in vars(oidc_settings).items() if name.isupper()}, **OWN})
django.setup()
call_command("migrate", verbosity=0)
call_command("runserver", f"127.0.0.1:{port}", use_reloader=False)
