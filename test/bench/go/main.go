// Command bench measures the rate at which Go's crypto/x509 makes the leaf certificates that mtlsd makes, on one core and
// in CPU time. Arguments: the milliseconds of CPU to spend on each pair, then pairs "leaf/authority" of key algorithms.
// It writes one JSON object a line: {"leaf", "authority", "perSecond"}.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type result struct {
	Leaf      string  `json:"leaf"`
	Authority string  `json:"authority"`
	PerSecond float64 `json:"perSecond"`
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

// Keys are made once: RSA keys take a second, and a second one of a kind would tell nothing new.
var keys = map[string]crypto.Signer{}

func key(algorithm string) crypto.Signer {
	if known, found := keys[algorithm]; found {
		return known
	}
	var made crypto.Signer
	switch algorithm {
	case "ECDSAP256":
		made = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	case "ECDSAP384":
		made = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	case "ECDSAP521":
		made = must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	case "ED25519":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		made = must(private, err)
	case "RSA2048", "RSA3072", "RSA4096":
		made = must(rsa.GenerateKey(rand.Reader, must(strconv.Atoi(algorithm[3:]))))
	default:
		fmt.Fprintln(os.Stderr, "no such key algorithm:", algorithm)
		os.Exit(2)
	}
	keys[algorithm] = made
	return made
}

// The hash that mtlsd signs with, for a key of each kind.
func signatureAlgorithm(algorithm string) x509.SignatureAlgorithm {
	switch algorithm {
	case "ECDSAP256":
		return x509.ECDSAWithSHA256
	case "ECDSAP384":
		return x509.ECDSAWithSHA384
	case "ECDSAP521":
		return x509.ECDSAWithSHA512
	case "ED25519":
		return x509.PureEd25519
	default:
		return x509.SHA256WithRSA
	}
}

func serialNumber() *big.Int {
	var octets [16]byte
	must(rand.Read(octets[:]))
	return new(big.Int).SetBytes(octets[:])
}

func keyIdentifier(public crypto.PublicKey) []byte {
	sum := sha256.Sum256(must(x509.MarshalPKIXPublicKey(public)))
	return sum[:20]
}

func authority(algorithm string, now time.Time) *x509.Certificate {
	signer := key(algorithm)
	template := &x509.Certificate{
		SerialNumber:          serialNumber(),
		Subject:               pkix.Name{CommonName: "bench issuing authority"},
		NotBefore:             now,
		NotAfter:              now.Add(14 * 24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		SubjectKeyId:          keyIdentifier(signer.Public()),
		SignatureAlgorithm:    signatureAlgorithm(algorithm),
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer))
	return must(x509.ParseCertificate(der))
}

// cpu is the CPU time that this process has used, the garbage collector's included.
func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func measure(leaf, issuer string, budget time.Duration) result {
	now := time.Now()
	parent, signer, public := authority(issuer, now), key(issuer), key(leaf).Public()
	identifier := keyIdentifier(public)
	uri := must(url.Parse("spiffe://bench.example/ns/shop/sa/cart"))
	issue := func() {
		must(x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber:          serialNumber(),
			NotBefore:             now,
			NotAfter:              now.Add(time.Hour),
			KeyUsage:              x509.KeyUsageDigitalSignature,
			ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
			BasicConstraintsValid: true,
			SubjectKeyId:          identifier,
			URIs:                  []*url.URL{uri},
			DNSNames:              []string{"cart.shop.svc", "cart.shop.svc.cluster.local"},
			SignatureAlgorithm:    signatureAlgorithm(issuer),
		}, parent, public, signer))
	}
	for from := cpu(); cpu()-from < budget/4; {
		issue()
	}
	made, from := 0, cpu()
	for cpu()-from < budget {
		for batch := 0; batch < 8; batch++ {
			issue()
		}
		made += 8
	}
	return result{leaf, issuer, float64(made) / (cpu() - from).Seconds()}
}

func main() {
	runtime.GOMAXPROCS(1)
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: bench MILLISECONDS LEAF/AUTHORITY...")
		os.Exit(2)
	}
	budget := time.Duration(must(strconv.Atoi(os.Args[1]))) * time.Millisecond
	out := json.NewEncoder(os.Stdout)
	for _, pair := range os.Args[2:] {
		leaf, issuer, found := strings.Cut(pair, "/")
		if !found {
			fmt.Fprintln(os.Stderr, "not a pair:", pair)
			os.Exit(2)
		}
		if err := out.Encode(measure(leaf, issuer, budget)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
