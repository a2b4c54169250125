// Runs named scenarios of the Java client against a cluster and prints one RESULT line of JSON for each.
// Usage: Driver NAMESRV RUN_ID SCENARIO…   Topics and groups carry RUN_ID so that runs don't meet.
import java.lang.reflect.Method;
import java.util.Arrays;

public final class Driver {
    public static void main(String[] args) throws Exception {
        Env env = new Env(args[0], args[1]);
        int failed = 0;
        for (String name : Arrays.copyOfRange(args, 2, args.length)) {
            long startedMs = System.currentTimeMillis();
            String problem = null;
            try {
                find(name).invoke(null, env);
            } catch (java.lang.reflect.InvocationTargetException wrapped) {
                problem = describe(wrapped.getCause());
            } catch (Throwable other) {
                problem = describe(other);
            }
            if (problem != null) failed++;
            System.out.println("RESULT {\"scenario\":\"" + name + "\",\"ok\":" + (problem == null)
                + ",\"elapsedMs\":" + (System.currentTimeMillis() - startedMs)
                + ",\"problem\":" + (problem == null ? "null" : "\"" + escape(problem) + "\"") + "}");
            System.out.flush();
        }
        // Client threads that don't end by themselves must not keep the run open.
        Runtime.getRuntime().halt(failed == 0 ? 0 : 1);
    }

    private static Method find(String name) throws Exception {
        for (Class<?> family : new Class<?>[] {SendScenarios.class, ConsumeScenarios.class, OrderScenarios.class, SqlScenarios.class, QueryScenarios.class}) {
            for (Method method : family.getDeclaredMethods()) {
                if (method.getName().equals(name)) return method;
            }
        }
        // Only compiled with clients of 5.x.
        if (name.startsWith("pop")) return Class.forName("PopScenarios").getDeclaredMethod(name, Env.class);
        if (name.startsWith("operator")) return Class.forName("OperatorScenarios").getDeclaredMethod(name, Env.class);
        throw new IllegalArgumentException("no scenario named " + name);
    }

    private static String describe(Throwable error) {
        StringBuilder text = new StringBuilder(error.toString());
        int frames = 0;
        for (StackTraceElement frame : error.getStackTrace()) {
            if (frames++ == 6) break;
            text.append(" < ").append(frame);
        }
        if (error.getCause() != null) text.append(" cause ").append(error.getCause());
        return text.toString();
    }

    private static String escape(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n").replace("\r", "").replace("\t", " ");
    }
}
