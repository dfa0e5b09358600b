module mtlsd.test/conformance

go 1.26

require (
	github.com/coreos/go-oidc/v3 v3.21.0
	github.com/spiffe/go-spiffe/v2 v2.9.0
)

require (
	github.com/go-jose/go-jose/v4 v4.1.5 // indirect
	golang.org/x/oauth2 v0.36.0 // indirect
)
