import io.spiffe.bundle.x509bundle.X509Bundle;
import io.spiffe.spiffeid.TrustDomain;
import io.spiffe.svid.x509svid.X509Svid;
import io.spiffe.svid.x509svid.X509SvidValidator;
import java.nio.file.Path;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.Date;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Judgements without a handshake. */
final class Verify {
  private Verify() {}

  /** Asks both; the keys of the answer are the names of the judges. */
  static Map<String, Object> verify(Map<String, Object> request) {
    Map<String, Object> answers = new LinkedHashMap<>();
    answers.put("Java PKIX", Judge.outcome(() -> withPkix(request)));
    answers.put("java-spiffe", Judge.outcome(() -> withJavaSpiffe(request)));
    return answers;
  }

  private static Map<String, Object> withPkix(Map<String, Object> request) throws Exception {
    List<X509Certificate> chain = Files.certificates(file(request, "chain"));
    Set<TrustAnchor> anchors = new HashSet<>();
    for (X509Certificate root : Files.certificates(file(request, "roots"))) anchors.add(new TrustAnchor(root, null));
    PKIXParameters parameters = new PKIXParameters(anchors);
    parameters.setRevocationEnabled(false);
    long atSeconds = ((Number) request.get("at")).longValue();
    if (atSeconds != 0) parameters.setDate(new Date(atSeconds * 1000));
    CertPathValidator.getInstance("PKIX").validate(CertificateFactory.getInstance("X.509").generateCertPath(chain), parameters);
    return Map.of();
  }

  /** The validator of java-spiffe judges by the clock of the machine alone. */
  private static Map<String, Object> withJavaSpiffe(Map<String, Object> request) throws Exception {
    TrustDomain trustDomain = TrustDomain.parse((String) request.get("trustDomain"));
    X509Bundle bundle = X509Bundle.load(trustDomain, file(request, "roots"));
    X509Svid svid = X509Svid.load(file(request, "chain"), file(request, "key"));
    X509SvidValidator.verifyChain(svid.getChain(), bundle);
    return Map.of("spiffeId", svid.getSpiffeId().toString());
  }

  private static Path file(Map<String, Object> request, String field) {
    return Path.of((String) request.get(field));
  }
}
