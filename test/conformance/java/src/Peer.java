import io.spiffe.spiffeid.SpiffeId;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** Both ends of a mutual TLS connection. The client sends a line, the server sends it back reversed. */
final class Peer {
  private static final int TIMEOUT_MS = 10_000;
  private static final int URI_NAME = 6;

  private Peer() {}

  static Map<String, Object> answerOne(Socket connection, String folder, String peer) throws Exception {
    connection.setSoTimeout(TIMEOUT_MS);
    try (SSLSocket secure = (SSLSocket) context(folder).getSocketFactory().createSocket(connection, null, true)) {
      secure.setUseClientMode(false);
      secure.setNeedClientAuth(true);
      secure.startHandshake();
      Map<String, Object> seen = lookAt(secure, peer);
      send(secure, new StringBuilder(readLine(secure)).reverse().toString());
      return seen;
    }
  }

  static Map<String, Object> dial(String folder, Map<String, Object> request) throws Exception {
    int port = ((Number) request.get("port")).intValue();
    try (SSLSocket secure = (SSLSocket) context(folder).getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port)) {
      secure.setSoTimeout(TIMEOUT_MS);
      secure.setEnabledProtocols(new String[] {"TLSv" + request.get("tls")});
      secure.startHandshake();
      Map<String, Object> seen = lookAt(secure, (String) request.get("peer"));
      send(secure, "ping");
      String line = readLine(secure);
      if (!line.equals("gnip")) throw new SSLException("the server answered " + line);
      return seen;
    }
  }

  private static SSLContext context(String folder) throws IOException, GeneralSecurityException {
    Files.Stores stores = Files.stores(folder);
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(stores.own(), Files.noPassword());
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(stores.trusted());
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private static void send(SSLSocket secure, String line) throws IOException {
    secure.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
    secure.getOutputStream().flush();
  }

  private static String readLine(SSLSocket secure) throws IOException {
    String line = new BufferedReader(new InputStreamReader(secure.getInputStream(), StandardCharsets.UTF_8)).readLine();
    if (line == null) throw new SSLException("the other end closed the connection");
    return line;
  }

  private static Map<String, Object> lookAt(SSLSocket secure, String wanted) throws Exception {
    X509Certificate leaf = (X509Certificate) secure.getSession().getPeerCertificates()[0];
    SpiffeId id = SpiffeId.parse(onlyUri(leaf.getSubjectAlternativeNames()));
    if (!id.equals(SpiffeId.parse(wanted))) throw new SSLException("the peer is " + id + ", not " + wanted);
    return Map.of("spiffeId", id.toString(), "serial", leaf.getSerialNumber().toString(16), "protocol", secure.getSession().getProtocol());
  }

  private static String onlyUri(Collection<List<?>> names) throws SSLException {
    List<String> uris = names.stream().filter(name -> name.get(0).equals(URI_NAME)).map(name -> (String) name.get(1)).toList();
    if (uris.size() != 1) throw new SSLException("a certificate with " + uris.size() + " URIs is no X509-SVID");
    return uris.get(0);
  }
}
