package org.apache.spark.examples;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * Estimates pi, under the name of the class in the jar of Spark's examples, which neither Maven Central nor PyPI has.
 *
 * The sample DAGs name that class; what they run here is called and ends as it does: slices as the one argument, two at
 * first, a hundred thousand points for each, the estimate on standard output.
 */
public final class SparkPi {
    private static final int POINTS = 100_000;

    public static void main(String[] arguments) {
        SparkSession session = SparkSession.builder().appName("Spark Pi").getOrCreate();
        JavaSparkContext context = new JavaSparkContext(session.sparkContext());
        int slices = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 2;
        List<Integer> points = new ArrayList<>(Collections.nCopies(POINTS * slices, 1));
        long inside = context.parallelize(points, slices).filter(SparkPi::isInside).count();
        System.out.println("Pi is roughly " + 4.0 * inside / points.size());
        session.stop();
    }

    private static boolean isInside(Integer point) {
        ThreadLocalRandom chance = ThreadLocalRandom.current();
        double x = chance.nextDouble() * 2 - 1;
        double y = chance.nextDouble() * 2 - 1;
        return x * x + y * y <= 1;
    }
}
