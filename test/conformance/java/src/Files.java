import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What mtlsd writes, read with the JDK alone. */
final class Files {
  private static final Pattern KEY = Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----");
  private static final char[] NO_PASSWORD = new char[0];

  private Files() {}

  static List<X509Certificate> certificates(Path file) throws IOException, GeneralSecurityException {
    List<X509Certificate> result = new ArrayList<>();
    try (InputStream in = java.nio.file.Files.newInputStream(file)) {
      for (var certificate : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        result.add((X509Certificate) certificate);
      }
    }
    return result;
  }

  /** PKCS#8 says in itself which kind of key it is; the JDK wants to be told. */
  static PrivateKey privateKey(Path file, X509Certificate certificate) throws IOException, GeneralSecurityException {
    Matcher pem = KEY.matcher(java.nio.file.Files.readString(file));
    if (!pem.find()) throw new GeneralSecurityException(file + " holds no private key");
    byte[] der = Base64.getMimeDecoder().decode(pem.group(1));
    return KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm()).generatePrivate(new PKCS8EncodedKeySpec(der));
  }

  /** Key store and trust store of one generation of an identity's folder, in memory. */
  record Stores(KeyStore own, KeyStore trusted) {}

  /**
   * Resolves ..data once, so that key, certificate and roots are of one generation. A generation that is replaced while
   * it is read is gone at once: then the next one is there.
   */
  static Stores stores(String folder) throws IOException, GeneralSecurityException {
    for (int triesLeft = 4; ; triesLeft--) {
      try {
        return read(Path.of(folder, "..data").toRealPath());
      } catch (NoSuchFileException | FileNotFoundException error) {
        if (triesLeft == 0) throw error;
      }
    }
  }

  private static Stores read(Path generation) throws IOException, GeneralSecurityException {
    List<X509Certificate> chain = certificates(generation.resolve("tls.crt"));
    KeyStore own = emptyStore();
    PrivateKey key = privateKey(generation.resolve("tls.key"), chain.get(0));
    own.setKeyEntry("own", key, NO_PASSWORD, chain.toArray(X509Certificate[]::new));
    KeyStore trusted = emptyStore();
    for (X509Certificate root : certificates(generation.resolve("ca.crt"))) {
      trusted.setCertificateEntry(root.getSerialNumber().toString(), root);
    }
    return new Stores(own, trusted);
  }

  private static KeyStore emptyStore() throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  static char[] noPassword() {
    return NO_PASSWORD;
  }
}
