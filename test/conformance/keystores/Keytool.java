import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * keytool for many files in one process: its own entry point, called for each line of stdin. Arguments come, and what it
 * printed goes, in Base64. Where keytool ends with a failure, this process ends.
 */
public final class Keytool {
  private static final Pattern ARGUMENTS = Pattern.compile("\"arguments\":\"([^\"]*)\"");

  private Keytool() {}

  public static void main(String[] args) throws Exception {
    PrintStream answers = System.out;
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String request = requests.readLine(); request != null; request = requests.readLine()) {
      ByteArrayOutputStream printed = new ByteArrayOutputStream();
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      sun.security.tools.keytool.Main.main(argumentsOf(request));
      answers.println("{\"printed\":\"" + Base64.getEncoder().encodeToString(printed.toByteArray()) + "\"}");
    }
  }

  private static String[] argumentsOf(String request) throws IOException {
    Matcher found = ARGUMENTS.matcher(request);
    if (!found.find()) throw new IOException("no arguments in " + request);
    return new String(Base64.getDecoder().decode(found.group(1)), StandardCharsets.UTF_8).split("\0");
  }
}
