import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Lets Java's stacks speak about what mtlsd issues: PKIX of the JDK, JSSE and java-spiffe.
 *
 * <pre>
 *   Judge verify              requests on stdin, one JSON object a line; one answer a line
 *   Judge mesh                servers and clients of mutual TLS, each on a channel of its own
 * </pre>
 */
final class Judge {
  interface Answer {
    Map<String, Object> to(Map<String, Object> request) throws Exception;
  }

  private Judge() {}

  public static void main(String[] args) throws Exception {
    if (args.length == 1 && args[0].equals("verify")) {
      eachLine(Verify::verify);
    } else if (args.length == 1 && args[0].equals("mesh")) {
      Mesh mesh = new Mesh();
      eachRequest(mesh::take);
    } else {
      System.err.println("usage: Judge verify | mesh");
      System.exit(2);
    }
  }

  interface Taker {
    void take(Map<String, Object> request) throws Exception;
  }

  private static void eachLine(Answer answer) throws Exception {
    eachRequest(request -> say(answer.to(request)));
  }

  private static void eachRequest(Taker taker) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      taker.take(JSONObjectUtils.parse(line));
    }
  }

  static synchronized void say(Map<String, ?> value) {
    System.out.println(JSONObjectUtils.toJSONString(value));
    System.out.flush();
  }

  interface Attempt {
    Map<String, Object> run() throws Exception;
  }

  /** What a judge or an end of a handshake answers. */
  static Map<String, Object> outcome(Attempt attempt) {
    try {
      Map<String, Object> answer = new LinkedHashMap<>(attempt.run());
      answer.put("ok", true);
      return answer;
    } catch (Exception error) {
      Throwable cause = error;
      while (cause.getCause() != null) cause = cause.getCause();
      String reason = cause.getMessage() == null ? cause.toString() : cause.getMessage();
      return Map.of("ok", false, "reason", reason);
    }
  }
}
