import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Ends of mutual TLS in one process. A request names its channel, and so does each answer to it.
 *
 * <pre>
 *   serve FOLDER, peer ID                 a server that admits that SPIFFE ID alone: its port, then each handshake
 *   dial FOLDER, port, peer ID, tls       one handshake
 *   close                                 ends the server of the channel
 * </pre>
 *
 * FOLDER is what mtlsd writes for one identity. It is read again for every handshake.
 */
final class Mesh {
  private final Map<String, ServerSocket> listeners = new HashMap<>();

  void take(Map<String, Object> request) throws IOException {
    String channel = (String) request.get("channel");
    if (request.containsKey("serve")) {
      ServerSocket listener = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
      listeners.put(channel, listener);
      say(channel, Map.of("port", listener.getLocalPort()));
      start(() -> serve(channel, listener, request));
    } else if (request.containsKey("dial")) {
      start(() -> say(channel, Judge.outcome(() -> Peer.dial((String) request.get("dial"), request))));
    } else {
      listeners.remove(channel).close();
    }
  }

  private static void serve(String channel, ServerSocket listener, Map<String, Object> request) {
    while (true) {
      Socket connection;
      try {
        connection = listener.accept();
      } catch (IOException closed) {
        return;
      }
      say(channel, Judge.outcome(() -> Peer.answerOne(connection, (String) request.get("serve"), (String) request.get("peer"))));
    }
  }

  private static void start(Runnable work) {
    Thread thread = new Thread(work);
    thread.setDaemon(true);
    thread.start();
  }

  private static void say(String channel, Map<String, ?> value) {
    Map<String, Object> line = new LinkedHashMap<>(value);
    line.put("channel", channel);
    Judge.say(line);
  }
}
