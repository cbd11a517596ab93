import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;

/** Judge fills in what SchemaCompatibility finds against each pair of a pairs.json. */
public class Judge {
  public static void main(String[] args) throws Exception {
    ObjectMapper json = new ObjectMapper();
    String separator = "[\n ";
    for (JsonNode pair : json.readTree(new File(args[0]))) {
      Schema a = new Schema.Parser().parse(pair.get("a").asText());
      Schema b = new Schema.Parser().parse(pair.get("b").asText());
      ObjectNode out = (ObjectNode) pair;
      out.set("b_reads_a", findings(json, b, a));
      out.set("a_reads_b", findings(json, a, b));
      System.out.print(separator + json.writeValueAsString(out));
      separator = ",\n ";
    }
    System.out.println("\n]");
  }

  static ArrayNode findings(ObjectMapper json, Schema reader, Schema writer) {
    ArrayNode list = json.createArrayNode();
    try {
      for (var i : SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getResult().getIncompatibilities()) {
        list.add(i.getType() + " " + i.getLocation() + " " + i.getMessage());
      }
    } catch (Exception e) {
      list.add("EXCEPTION " + e.getMessage());
    }
    return list;
  }
}
