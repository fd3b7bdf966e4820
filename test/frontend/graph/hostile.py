"""Writes graphs that are wrong in one thing each, and compares what is said:

  hostile.py FOLDER IMPORTER

Needs the package flatbuffers, and on its path what flatc --python --gen-object-api
makes of graph.fbs."""
import struct
import subprocess
import sys
from pathlib import Path

import flatbuffers
import numpy
from nnc.graph.Argument import ArgumentT
from nnc.graph.ArrayValue import ArrayValueT
from nnc.graph.Attribute import AttributeT
from nnc.graph.AttributeValue import AttributeValue
from nnc.graph.BoolValue import BoolValueT
from nnc.graph.Call import CallT
from nnc.graph.DataBinding import DataBindingT
from nnc.graph.SampleStep import SampleStepT
from nnc.graph.DictionaryValue import DictionaryValueT
from nnc.graph.ElementType import ElementType
from nnc.graph.FloatValue import FloatValueT
from nnc.graph.Graph import GraphT
from nnc.graph.IntsValue import IntsValueT
from nnc.graph.IntValue import IntValueT
from nnc.graph.Location import LocationT
from nnc.graph.Model import ModelT
from nnc.graph.Node import NodeT
from nnc.graph.Parameter import ParameterT
from nnc.graph.ReaderArgument import ReaderArgumentT
from nnc.graph.Recipe import RecipeT
from nnc.graph.Region import RegionT
from nnc.graph.StringValue import StringValueT
from nnc.graph.SymbolValue import SymbolValueT
from nnc.graph.TensorValue import TensorValueT
from nnc.graph.Value import ValueT

folder, importer = Path(sys.argv[1]), sys.argv[2]


def make(kind, **fields):
    result = kind()
    for name, value in fields.items():
        assert hasattr(result, name), name
        setattr(result, name, value)
    return result


def attribute(name, value):
    kind = getattr(AttributeValue, type(value).__name__[:-1])
    return make(AttributeT, name=name, value=value, valueType=kind)


def text(name, value):
    return attribute(name, make(StringValueT, value=value))


def value(*shape, element=ElementType.F32):
    return make(ValueT, elementType=element, shape=list(shape))


def at(line):
    return make(LocationT, file=0, line=line, column=3)


def node(op, operands, results, attributes=(), regions=(), line=None):
    return make(NodeT, op=op, operands=list(operands), results=list(results),
                attributes=list(attributes), regions=list(regions),
                location=line and at(line))


def good():
    """0: x [batch, 4], 1: w [4, 2], 2: x w, 3: its mean."""
    read = attribute("parameter", make(SymbolValueT, value="w"))
    model = make(
        ModelT, name="m",
        inputs=[make(ArgumentT, value=0, name="x")],
        nodes=[node("read", [], [1], [read], line=1),
               node("matmul", [0, 1], [2], line=2),
               node("mean", [2], [3], line=3),
               node("loss", [3], []),
               node("output", [2], [], [text("name", "y")])],
        recipe=make(RecipeT, optimizer=make(CallT, name="sgd"), learningRate=0.1,
                    batch=4, data=[binding("train", [0])]))
    w = make(ParameterT, name="w", elementType=ElementType.F32, shape=[4, 2],
             initializer=make(CallT, name="zeros"))
    return make(GraphT, version=1, files=["source.py"],
                values=[value(-1, 4), value(4, 2), value(-1, 2), value()],
                parameters=[w], model=model)


def binding(split, inputs, reader="csv"):
    path = make(ReaderArgumentT, name="path", text="d.csv")
    return make(DataBindingT, split=split, inputs=inputs, reader=reader, arguments=[path])


def step(index, name, **arguments):
    return make(SampleStepT, input=index, step=name,
                arguments=[make(ReaderArgumentT, name=key, text=text) for key, text in arguments.items()])


def nested(depth):
    inner = make(IntValueT, value=1)
    for _ in range(depth):
        inner = make(ArrayValueT, values=[attribute(None, inner)])
    return attribute("a.b", inner)


def nested_regions(g, depth):
    inner = [node("yield", [], [])]
    for _ in range(depth):
        inner = [node("fused", [], [], [text("kind", "rows")], [make(RegionT, nodes=inner)]),
                 node("yield", [], [])]
    g.model.nodes = inner[:1]


def insert(index, *nodes):
    def change(g):
        g.model.nodes[index:index] = nodes
    return change


def extra(*results):
    """Adds values of these shapes, from 4 on."""
    def change(g):
        g.values += results
    return change


def fused(*nodes, arguments=(), results=(), operands=()):
    return node("fused", operands, results, [text("kind", "rows")],
                [make(RegionT, arguments=list(arguments), nodes=list(nodes))])


def both(*changes):
    def change(g):
        for one in changes:
            one(g)
    return change


def set_(path, new):
    """Sets `g.a[1].b`, written as "a.1.b"."""
    def change(g):
        *most, last = path.split(".")
        for part in most:
            g = g[int(part)] if part.isdigit() else getattr(g, part)
        if last.isdigit():
            g[int(last)] = new
        else:
            assert hasattr(g, last), last
            setattr(g, last, new)
    return change


huge = 1 << 40
deep_tensor = make(TensorValueT, elementType=ElementType.F32, shape=[1 << 31, 1 << 31, 4],
                   data=[0] * 4)


def constant(tensor):
    return insert(0, node("constant", [], [4], [attribute("value", tensor)]))


# What is changed in the good graph, and what is then said.
cases = [
    # Indices.
    (set_("model.nodes.1.operands", [0, 9]),
     "node 1 'matmul': operand 1 is value 9, and the graph has 4 values", 2),
    (set_("model.nodes.1.operands", [-2, 1]),
     "node 1 'matmul': operand 0 is value -2, and the graph has 4 values", 2),
    (set_("model.nodes.1.operands", [2, 1]),
     "node 1 'matmul': operand 0 is value 2, which is not defined before this node", 2),
    (set_("model.nodes.1.operands", [3, 1]),
     "node 1 'matmul': operand 0 is value 3, which is not defined before this node", 2),
    (set_("model.nodes.2.results", [2]),
     "node 2 'mean': result 0 is value 2, which is defined already", 3),
    (set_("model.nodes.2.results", [-1]),
     "node 2 'mean': result 0 is value -1, and the graph has 4 values", 3),
    (set_("model.nodes.2.results", []),
     "node 2 'mean': the node has 0 results: expected 1", 3),
    (set_("model.inputs.0.value", 4),
     "input 0: it is value 4, and the graph has 4 values"),
    (extra(value(3)), "value 4 is never defined"),
    (set_("model.nodes.1.location", make(LocationT, file=7, line=1, column=1)),
     "node 1 'matmul': its location is in file 7, and the graph lists 1"),
    # Types and sizes.
    (set_("values.2", value(-1, 3)),
     "node 1 'matmul': result 0 is value 2, f32[batch, 3]: expected f32[batch, 2]", 2),
    (set_("values.2", value(-1, 2, element=ElementType.F64)),
     "node 1 'matmul': result 0 is value 2, f64[batch, 2]: expected f32[batch, 2]", 2),
    (set_("values.0", value(-1, 5)),
     "node 1 'matmul': 'matmul' inner dimensions differ: lhs is f32[batch, 5] (5), rhs is "
     "f32[4, 2] (4)", 2),
    (set_("values.0", value(-1, huge, huge)),
     "value 0: f32[batch, 1099511627776, 1099511627776] is too large: at most 2^40 "
     "elements are supported"),
    (set_("values.0", value(-1, 1 << 62, 4)),
     "value 0: f32[batch, 4611686018427387904, 4] is too large: at most 2^40 elements "
     "are supported"),
    (set_("values.0", value(-1, -1)),
     "value 0: f32[batch, batch] has the batch in more than one place"),
    (set_("values.0", value(-1, 0)),
     "value 0: the shape has the dimension 0: expected a size above 0, or -1 for the batch"),
    (set_("values.0", value(-1, -(1 << 63))),
     "value 0: the shape has the dimension -9223372036854775808: expected a size above 0, "
     "or -1 for the batch"),
    (set_("values.0", value(*[1] * 65)),
     "value 0: the shape has 65 dimensions: at most 64 are supported"),
    (set_("values.0", value(-1, 4, element=99)),
     "value 0: the element type is number 99, which is not known"),
    (both(extra(value(2)), constant(make(TensorValueT, elementType=0, shape=[2], data=[0] * 7))),
     "node 0 'constant', attribute 'value': there are 7 bytes of data for f32[2]: expected "
     "8, or 4 for all elements alike"),
    (both(extra(value(2)), constant(make(TensorValueT, elementType=7, shape=[2], data=[0, 2]))),
     "node 0 'constant', attribute 'value': a bool is 2: expected 0 or 1"),
    (both(extra(value(2)), constant(make(TensorValueT, elementType=0, shape=[-1], data=[0] * 4))),
     "node 0 'constant', attribute 'value': the shape depends on the batch: expected a known "
     "size"),
    (both(extra(value(2)), constant(deep_tensor)),
     "node 0 'constant', attribute 'value': f32[2147483648, 2147483648, 4] is too large: at "
     "most 2^40 elements are supported"),
    # Ops and attributes.
    (set_("model.nodes.1.op", "matmull"),
     "node 1 'matmull': there is no op 'matmull'; did you mean 'matmul'?", 2),
    (set_("model.nodes.1.op", ""), "node 1: the op's name is empty", 2),
    (set_("model.nodes.1.op", b"mat\xff"), "node 1: the op's name is not UTF-8, or has a control character", 2),
    (set_("model.nodes.1.op", "nnc.model"),
     "node 1 'nnc.model': the op 'nnc.model' does not stand in a model", 2),
    (set_("model.nodes.1.op", "builtin.module"),
     "node 1 'builtin.module': the op 'builtin.module' does not stand in a model", 2),
    (set_("model.nodes.1.operands", [0]),
     "node 1 'matmul': 'matmul' takes 2 operands, here there are 1", 2),
    (set_("model.nodes.1.attributes", [attribute("transpose_lhs", make(IntValueT, value=1))]),
     "node 1 'matmul', attribute 'transpose_lhs': expected a bool, found an integer", 2),
    (set_("model.nodes.1.attributes", [attribute("transpose", make(BoolValueT))]),
     "node 1 'matmul': 'matmul' has no attribute 'transpose'", 2),
    (set_("model.nodes.1.attributes", [attribute("transpose_lhs", make(BoolValueT))] * 2),
     "node 1 'matmul': attribute 'transpose_lhs' is given twice", 2),
    (set_("model.nodes.2.attributes", [attribute("axes", make(FloatValueT))]),
     "node 2 'mean', attribute 'axes': expected integers, found a float", 3),
    (set_("model.nodes.4.attributes", []),
     "node 4 'output': 'output' requires attribute 'name'"),
    (set_("model.nodes.4.attributes", [attribute("name", make(IntValueT))]),
     "node 4 'output': attribute 'name' failed to satisfy constraint: string attribute"),
    (set_("model.nodes.3.attributes", [make(AttributeT, name="a.b", valueType=99,
                                            value=make(IntValueT))]),
     "node 3 'loss', attribute 'a.b': its value is of kind 99, which is not known"),
    (set_("model.nodes.3.attributes", [nested(16)]),
     "node 3 'loss'" + ", attribute 'a.b'" + "".join([", element 0"] * 16) +
     ": attributes are nested more than 16 deep"),
    (set_("model.nodes.3.attributes", [attribute("a.b", make(DictionaryValueT, entries=[
        text("k", "1"), text("k", "2")]))]),
     "node 3 'loss', attribute 'a.b': attribute 'k' is given twice"),
    (set_("model.nodes.3.attributes", [text("a.b", "x\0y")]),
     "node 3 'loss', attribute 'a.b': the string is not UTF-8, or has a control character"),
    (both(extra(value(2)), insert(2, node("compare", [2, 2], [4], [text("predicate", "near")]))),
     "node 2 'compare', attribute 'predicate': 'near' is no predicate"),
    (insert(0, node("read", [], [1], [attribute("parameter", make(SymbolValueT, value="v"))])),
     "node 0 'read': 'read' there is no parameter @v"),
    (set_("model.nodes.0.attributes", []),
     "node 0 'read': 'read' requires attribute 'parameter'", 1),
    (set_("values.1", value(2, 4)),
     "node 0 'read': 'read' @w is f32[4, 2], here it is f32[2, 4]", 1),
    (set_("model.attributes", [text("batch", "x")]),
     "the model's attribute 'batch': expected a name with a dot, and not one of nnc's"),
    (set_("model.attributes", [text("nnc.recipe", "x")]),
     "the model's attribute 'nnc.recipe': expected a name with a dot, and not one of nnc's"),
    (set_("model.attributes", [text("nnc.freeze", "w")]),
     "recipe: 'freeze' must be a list of strings, at most 256 patterns of parameter names, found \"w\""),
    (set_("model.attributes", [text("nnc.layout", "chwn")]),
     "recipe: 'layout' must be nhwc or nchw, found \"chwn\""),
    (set_("parameters.0.pytorchDims", [0, 0]),
     "parameter 'w': 'pytorch_dims' has [0, 0]: expected each of the 2 dimensions once"),
    (set_("parameters.0.pytorchDims", [1, 0, 2]),
     "parameter 'w': 'pytorch_dims' has [1, 0, 2]: expected each of the 2 dimensions once"),
    (set_("model.attributes", [attribute("nnc.freeze", make(ArrayValueT, values=[
        attribute(None, make(IntValueT, value=1))]))]),
     "recipe: 'freeze' must be a list of strings, at most 256 patterns of parameter names, found [1]"),
    (set_("model.nodes.2.attributes", [attribute("nnc.random_bits", make(IntValueT, value=1))]),
     "node 2 'mean': it has an attribute whose name begins with 'nnc.': these are marks of nnc's own", 3),
    (set_("model.nodes.2.attributes", [attribute("nnc.step", make(StringValueT, value="one"))]),
     "node 2 'mean': 'step' is the name of a training step, of losses and metrics", 3),
    # Regions.
    (insert(2, fused()), "node 2 'fused': 'fused' expects a non-empty block"),
    (both(extra(value(-1, 2)), insert(2, fused(node("yield", [], []), node("relu", [2], [4])))),
     "node 2 'fused': 'fused' the region does not end in nnc.yield"),
    (lambda g: nested_regions(g, 18),
     "node 0 'fused'" + ", region 0, node 0 'fused'" * 16 +
     ", region 0: regions are nested more than 16 deep"),
    (both(extra(value(-1, 2), value(-1, 2)),
          insert(2, fused(node("relu", [4], [5]), node("yield", [], []), operands=[2],
                          arguments=[make(ArgumentT, value=4)]),
                 node("output", [5], [], [text("name", "z")]))),
     "node 3 'output': operand 0 is value 5, which is defined in a region that has ended"),
    (both(extra(value(-1, 2)),
          insert(2, fused(arguments=[make(ArgumentT, value=4, name="n")], operands=[2]))),
     "node 2 'fused', region 0, argument 0: a region's argument has neither name nor "
     "attributes"),
    (set_("model.nodes.1.regions", [make(RegionT, nodes=[])]),
     "node 1 'matmul': 'matmul' requires zero regions", 2),
    # Names.
    (insert(5, node("output", [2], [], [text("name", "y")], line=6)),
     "there is an output 'y' already; give one another name", 6),
    (set_("model.nodes.4.attributes", [text("name", "../../pwned")]),
     "node 4 'output': 'output' '../../pwned' has a '/': it becomes the name of a file"),
    (set_("model.nodes.4.attributes", [text("name", "..")]),
     "node 4 'output': 'output' '..' begins with '.': it becomes the name of a file"),
    (set_("model.nodes.4.attributes", [text("name", "nnc.y")]),
     "node 4 'output': 'output' 'nnc.y' begins with 'nnc.', which is nnc's own"),
    (set_("model.inputs.0.name", "a/b"),
     "'input' 'a/b' has a '/': it becomes the name of a file"),
    (set_("model.inputs.0.name", "\x1b[2J"),
     "input 0: its name is not UTF-8, or has a control character"),
    (set_("model.inputs.0.name", "x" * 1025),
     "input 0: its name is 1025 bytes long: at most 1024 are supported"),
    (set_("parameters.0.name", "__metadata__"),
     "parameter '__metadata__': 'parameter' '__metadata__' is what a file of weights calls its "
     "metadata"),
    (set_("parameters.0.name", "nnc.scalar/step"),
     "parameter 'nnc.scalar/step': 'parameter' 'nnc.scalar/step' begins with 'nnc.', which is "
     "nnc's own"),
    (set_("parameters.0.name", "init"),
     "parameter 'init': 'parameter' 'init' is what the compiled program calls a part of its own"),
    (set_("model.inputs.0.attributes", [attribute("nnc.index_limit", make(IntValueT, value=-5))]),
     "input 0: attribute 'nnc.index_limit': expected a name with a dot, and not one of nnc's"),
    (set_("files", ["a.py\nsystem(\"id\");"]),
     "node 0 'read': the name of its file is not UTF-8, has a control character or more than "
     "4096 bytes"),
    (set_("files", ["a" * 4097]),
     "node 0 'read': the name of its file is not UTF-8, has a control character or more than "
     "4096 bytes"),
    (set_("model.nodes.1.op", "m" * 120_000),
     "node 1: the op's name is 120000 bytes long: at most 1024 are supported", 2),
    # Parameters.
    (lambda g: g.parameters.append(g.parameters[0]), "there are two parameters 'w'"),
    (set_("model.name", "w"), "the model has the name of the parameter 'w'"),
    (set_("parameters.0.name", ""), "a parameter's name is empty"),
    (set_("parameters.0.initializer", None),
     "parameter 'w': expected either an initializer or data, found neither"),
    (set_("parameters.0.data", [0] * 32),
     "parameter 'w': expected either an initializer or data, found both"),
    (both(set_("parameters.0.initializer", None), set_("parameters.0.data", [0] * 31)),
     "parameter 'w': there are 31 bytes of data for f32[4, 2]: expected 32, or 4 for all "
     "elements alike"),
    (set_("parameters.0.initializer.name", "zeroes"),
     "parameter 'w': there is no initializer 'zeroes'"),
    (set_("parameters.0.initializer", make(CallT, name="constant")),
     "parameter 'w': initializer 'constant' needs its argument 'value'"),
    (set_("parameters.0.shape", [-1, 2]),
     "parameter 'w': the shape depends on the batch: expected a known size"),
    (set_("parameters.0.role", "scalar"),
     "parameter 'w': the role is 'scalar': expected parameter or buffer"),
    # Inputs and the recipe.
    (set_("model.inputs.0.name", None), "input 0: its name is missing"),
    (both(extra(value(-1, 4)),
          lambda g: g.model.inputs.append(make(ArgumentT, value=4, name="x"))),
     "there is an input 'x' already; give one another name"),
    (set_("model.recipe.optimizer.name", "sdg"),
     "recipe, optimizer: 'sdg' is no optimizer: expected one of "),
    (set_("model.recipe.optimizer", make(CallT, name="adam", arguments=[text("beta1", "0.9")])),
     "recipe, optimizer, attribute 'beta1': expected a float, found a string"),
    (set_("model.recipe.optimizer.arguments", [text("momentum", "0.9")]),
     "recipe, optimizer: 'sgd' has no attribute 'momentum'"),
    (set_("model.recipe.optimizer", make(CallT, name="adam", arguments=[attribute("beta1", make(FloatValueT, value=1.0))])),
     "recipe, optimizer: 'adam' beta1 is 1: expected at least 0 and below 1"),
    (set_("model.recipe.optimizer.name", "relu"),
     "recipe, optimizer: 'relu' is no optimizer: expected one of "),
    (set_("model.recipe.learningRate", -1.0), "recipe: the optimizer needs a learning rate, as in adam(learning_rate = 0.001)"),
    (set_("model.recipe.learningRate", -2.0),
     "recipe: the learning rate must be a number of at least 0, found -2"),
    (set_("model.recipe.learningRate", float("nan")),
     "recipe: the learning rate must be a number of at least 0, found nan"),
    (set_("model.recipe.batch", 0),
     "recipe: 'batch' must be a whole number from 1 to 2^24, found 0"),
    (set_("model.recipe.batch", 1 << 62),
     "recipe: 'batch' must be a whole number from 1 to 2^24, found 4611686018427387904"),
    (set_("model.recipe.validation", 1.0),
     "recipe: 'validation' must be a share of at least 0 and below 1, found 1"),
    (set_("model.recipe.settings", [text("batch", "8")]),
     "recipe: 'batch' must be a whole number from 1 to 2^24, found \"8\""),
    (set_("model.recipe.settings", [attribute("clip_norm", make(FloatValueT, value=0.0))]),
     "recipe: 'clip_norm' must be a number above 0, found 0"),
    (set_("model.recipe.settings", [text("patience", "3")]),
     "recipe: there is no setting 'patience' here: expected one of optimizer, "),
    (set_("model.recipe.settings", [text("function_type", "3")]),
     "recipe: there is no setting 'function_type' here: expected one of optimizer, "),
    (set_("model.recipe.settings", [attribute("learning_rate", make(FloatValueT, value=0.5))]),
     "recipe: 'learning_rate' is set twice"),
    (set_("model.recipe.sampleSteps", [step(1, "flip")]),
     "recipe, step of samples 0: there is no input 1: the model has 1"),
    (set_("model.recipe.sampleSteps", [step(0, "flop")]),
     "recipe, step of samples 0: 'flop' is no step of a sample"),
    (set_("model.recipe.sampleSteps", [step(0, "crop", height="0")]),
     "recipe, step of samples 0: 'height' of 'crop' must be a whole number from 1 to 65536, found 0"),
    (set_("model.recipe.sampleSteps", [step(0, "crop", size="2")]),
     "recipe, step of samples 0: 'crop' has no argument 'size'"),
    (set_("model.recipe.sampleSteps", [step(0, "flip")] * 257),
     "recipe: 'sample_steps' must be a list of at most 256 steps of samples, found 257"),
    (set_("model.recipe.data", [binding("train", [1])]),
     "recipe, data binding 0: there is no input 1: the model has 1"),
    (set_("model.recipe.data", [binding("train", [0, 0])]),
     "recipe, data binding 0: input 'x' is given twice"),
    (set_("model.recipe.data", [binding("dev", [0])]),
     "recipe, data binding 0: 'dev' is no split: expected one of train, validation, test"),
    (set_("model.recipe.data", [binding("train", [0], "xml")]),
     "recipe, data binding 0: 'xml' is no reader: expected one of "),
    # The file.
    (set_("version", 2), "graph of version 2: expected 1"),
]


def write(graph, path, identifier=b"NNCG"):
    builder = flatbuffers.Builder(0)
    builder.Finish(graph.Pack(builder), identifier)
    path.write_bytes(builder.Output())


def said_of(paths):
    """What the importer says of each; it must refuse one at least."""
    result = subprocess.run([importer, *paths], capture_output=True, text=True)
    assert result.returncode == 1, result
    said = {}
    for line in result.stderr.splitlines():
        path, colon, _ = line.partition(": error: ")
        current = path if colon else current
        said[current] = said.get(current, "") + line + "\n"
    return said


write(good(), folder / "good.graph")
subprocess.run([importer, folder / "good.graph"], check=True)
expected = {}
for number, (change, message, *line) in enumerate(cases):
    graph = good()
    change(graph)
    path = folder / f"{number}.graph"
    write(graph, path)
    expected[path] = message, line

content = (folder / "good.graph").read_bytes()
for name, damaged, message in [
    ("empty", b"", "no graph: expected the identifier NNCG at byte 4"),
    ("other", b"\x10\0\0\0NNCP" + content[8:], "no graph: expected the identifier NNCG"),
    ("cut", content[:-8], f"damaged graph: its {len(content) - 8} bytes are no well-formed"),
    ("root", struct.pack("<I", 1 << 31) + content[4:], "damaged graph: "),
]:
    path = folder / f"{name}.graph"
    path.write_bytes(damaged)
    expected[path] = message, []



class Shared:
    """A table that is written once, however often it is used."""

    def __init__(self, table):
        self.table, self.offset = table, None

    def Pack(self, builder):
        self.offset = self.offset or self.table.Pack(builder)
        return self.offset


# A megabyte that a hundred constants refer to: small to write, large to read.
count, size = 100, 1 << 20
megabyte = make(TensorValueT, elementType=ElementType.U8, shape=[size],
                data=numpy.zeros(size, "u1"))
once = Shared(attribute("value", megabyte))
graph = good()
graph.values += [value(size, element=ElementType.U8) for _ in range(count)]
graph.model.nodes += [node("constant", [], [4 + i], [once]) for i in range(count)]
write(graph, folder / "shared.graph")

# Attributes that are many: what is quadratic in them takes gigabytes, and minutes.
graph = good()
graph.model.attributes = [text(f"a.{i}", "v") for i in range(200_000)]
graph.model.nodes[3].attributes = [text(f"a.{i}", "v") for i in range(200_000)]
write(graph, folder / "attributes.graph")
subprocess.run([importer, folder / "attributes.graph"], check=True, stdout=subprocess.DEVNULL,
               timeout=120)

failures = 0
said = said_of([*expected, folder / "shared.graph"])
if "'constant', attribute 'value': the same data are referred to too often" not in said.get(
        str(folder / "shared.graph"), ""):
    print("shared.graph:", said.get(str(folder / "shared.graph")))
    failures += 1
for path, (message, line) in expected.items():
    found = said.get(str(path), "nothing")
    place = f"source.py:{line[0]}:3: note: it is written here" if line else ""
    if not found.startswith(f"{path}: error: {message}") or place not in found:
        print(f"{path.name}:\nexpected {message} {place}\nfound    {found}")
        failures += 1
print(len(expected) + 1, "cases,", failures, "failures")
sys.exit(failures != 0)
