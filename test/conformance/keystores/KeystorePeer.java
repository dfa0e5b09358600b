import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * Both ends of mutual TLS with nothing but the Java platform: key and trust come from keystore.p12 and truststore.p12, as
 * they were delivered. The client sends a line, the server sends it back reversed. One process for many ends: each line of
 * JSON, in both directions, names the channel of its own.
 */
public final class KeystorePeer {
  private static final int TIMEOUT_MS = 10_000;
  private static final int URI_NAME = 6;
  private static final Map<String, ServerSocket> LISTENERS = new HashMap<>();
  private static final char[] PASSWORD = System.getenv("KEYSTORE_PASSWORD").toCharArray();

  private KeystorePeer() {}

  public static void main(String[] args) throws IOException {
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String request = requests.readLine(); request != null; request = requests.readLine()) take(request);
  }

  /** A server says its port, and then each handshake until it is closed; a client makes one. */
  private static void take(String request) throws IOException {
    String channel = field(request, "channel");
    if (request.contains("\"serve\":")) {
      ServerSocket listener = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
      LISTENERS.put(channel, listener);
      say(channel, "\"port\":" + listener.getLocalPort());
      start(() -> serve(channel, listener, Path.of(field(request, "serve")), field(request, "peer")));
    } else if (request.contains("\"dial\":")) {
      start(() -> tell(channel, () -> dialOne(Path.of(field(request, "dial")), Integer.parseInt(field(request, "port")), field(request, "peer"), field(request, "tls"))));
    } else {
      LISTENERS.remove(channel).close();
    }
  }

  private static void serve(String channel, ServerSocket listener, Path folder, String peer) {
    while (true) {
      Socket connection;
      try {
        connection = listener.accept();
      } catch (IOException closed) {
        return;
      }
      tell(channel, () -> answerOne(connection, folder, peer));
    }
  }

  private static void start(Runnable work) {
    Thread thread = new Thread(work);
    thread.setDaemon(true);
    thread.start();
  }

  private static String answerOne(Socket connection, Path folder, String peer) throws Exception {
    connection.setSoTimeout(TIMEOUT_MS);
    try (SSLSocket secure = (SSLSocket) context(folder).getSocketFactory().createSocket(connection, null, true)) {
      secure.setUseClientMode(false);
      secure.setNeedClientAuth(true);
      secure.startHandshake();
      String seen = lookAt(secure, peer);
      send(secure, new StringBuilder(readLine(secure)).reverse().toString());
      return seen;
    }
  }

  private static String dialOne(Path folder, int port, String peer, String tls) throws Exception {
    try (SSLSocket secure = (SSLSocket) context(folder).getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port)) {
      secure.setSoTimeout(TIMEOUT_MS);
      secure.setEnabledProtocols(new String[] {"TLSv" + tls});
      secure.startHandshake();
      String seen = lookAt(secure, peer);
      send(secure, "ping");
      String line = readLine(secure);
      if (!line.equals("gnip")) throw new SSLException("the server answered " + line);
      return seen;
    }
  }

  /** Both stores are of one generation: the folder is resolved once. */
  private static SSLContext context(Path folder) throws IOException, GeneralSecurityException {
    Path generation = folder.resolve("..data").toRealPath();
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store(generation.resolve("keystore.p12")), PASSWORD);
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store(generation.resolve("truststore.p12")));
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private static KeyStore store(Path file) throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream bytes = Files.newInputStream(file)) {
      store.load(bytes, PASSWORD);
    }
    return store;
  }

  private static String lookAt(SSLSocket secure, String wanted) throws Exception {
    X509Certificate leaf = (X509Certificate) secure.getSession().getPeerCertificates()[0];
    String id = onlyUri(leaf.getSubjectAlternativeNames());
    if (!id.equals(wanted)) throw new SSLException("the peer is " + id + ", not " + wanted);
    return String.format("\"ok\":true,\"spiffeId\":\"%s\",\"serial\":\"%s\",\"protocol\":\"%s\"", id, leaf.getSerialNumber().toString(16), secure.getSession().getProtocol());
  }

  private static String onlyUri(Collection<List<?>> names) throws SSLException {
    List<String> uris = names.stream().filter(name -> name.get(0).equals(URI_NAME)).map(name -> (String) name.get(1)).toList();
    if (uris.size() != 1) throw new SSLException("a certificate with " + uris.size() + " URIs is no X509-SVID");
    return uris.get(0);
  }

  private interface Handshake {
    String make() throws Exception;
  }

  private static void tell(String channel, Handshake handshake) {
    String line;
    try {
      line = handshake.make();
    } catch (Exception error) {
      line = "\"ok\":false,\"reason\":\"" + String.valueOf(error).replaceAll("[\"\\\\\\p{Cntrl}]", "'") + "\"";
    }
    say(channel, line);
  }

  private static synchronized void say(String channel, String fields) {
    System.out.println("{\"channel\":\"" + channel + "\"," + fields + "}");
    System.out.flush();
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

  /** A text or a number of a flat object without escapes. */
  private static String field(String json, String name) {
    Matcher found = Pattern.compile("\"" + name + "\":\"?([^\",}]*)").matcher(json);
    if (!found.find()) throw new IllegalArgumentException("no " + name + " in " + json);
    return found.group(1);
  }
}
