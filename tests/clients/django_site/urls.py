"""The site's pages and the library's."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import include, path
from django.utils.html import format_html


def front(request: HttpRequest) -> HttpResponse:
    """For everybody."""
    return HttpResponse(format_html("<h1>Training</h1><p id='who'>{}</p>", getattr(request.user, "email", "nobody")))


@login_required
def courses(request: HttpRequest) -> HttpResponse:
    """For customers."""
    return HttpResponse(
        format_html(
            "<h1>Courses</h1><pre id='seen'>{} {} {}</pre><p id='until'>{}</p>"
            "<form method='post' action='/oidc/logout/'>"
            "<input type='hidden' name='csrfmiddlewaretoken' value='{}'><button>Sign out</button></form>",
            request.user.get_full_name(),
            request.user.email,
            request.session["approval_status"],
            request.session["oidc_id_token_expiration"],
            get_token(request),
        )
    )


urlpatterns = [path("", front), path("courses", courses), path("oidc/", include("mozilla_django_oidc.urls"))]
