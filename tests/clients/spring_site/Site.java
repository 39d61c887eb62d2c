package com.example.site;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.annotation.RegisteredOAuth2AuthorizedClient;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** The pages of a site around what docs/connect/spring-security.md shows. */
@SpringBootApplication
@RestController
public class Site {

    public static void main(String[] arguments) {
        SpringApplication.run(Site.class, arguments);
    }

    @GetMapping("/goodbye")
    String goodbye() {
        return "<h1>You are signed out.</h1>";
    }

    @GetMapping("/claims/new")
    String claim() {
        return "<h1>New claim</h1>";
    }

    @GetMapping("/")
    String front(
            @AuthenticationPrincipal OidcUser customer,
            @RegisteredOAuth2AuthorizedClient("idp") OAuth2AuthorizedClient client,
            CsrfToken token) {
        return """
            <h1>Warranty</h1><pre id="seen">%s %s %s</pre><p id="access-token">%s</p>
            <form method="post" action="/logout"><input type="hidden" name="%s" value="%s"><button>Sign out</button></form>
            """.formatted(customer.getFullName(), customer.getEmail(), customer.getClaimAsString("approval_status"),
                client.getAccessToken().getTokenValue(), token.getParameterName(), token.getToken());
    }
}
