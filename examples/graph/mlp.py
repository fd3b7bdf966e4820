"""Writes the network of examples/tabular.nn as a graph, without nnc: with the
package flatbuffers (Debian: python3-flatbuffers) and what flatc makes of the schema.

  flatc --python --gen-object-api -o generated frontend/graph/graph.fbs
  PYTHONPATH=generated python3 examples/graph/mlp.py mlp.graph
  nnc train mlp.graph --data examples

Every node says which line below made it, so that nnc's messages do, too."""
import sys

import flatbuffers
from nnc.graph.Argument import ArgumentT
from nnc.graph.Attribute import AttributeT
from nnc.graph.AttributeValue import AttributeValue
from nnc.graph.Call import CallT
from nnc.graph.DataBinding import DataBindingT
from nnc.graph.ElementType import ElementType
from nnc.graph.Graph import GraphT
from nnc.graph.Location import LocationT
from nnc.graph.Model import ModelT
from nnc.graph.Node import NodeT
from nnc.graph.Parameter import ParameterT
from nnc.graph.ReaderArgument import ReaderArgumentT
from nnc.graph.Recipe import RecipeT
from nnc.graph.StringValue import StringValueT
from nnc.graph.SymbolValue import SymbolValueT
from nnc.graph.Value import ValueT

BATCH = -1


def here():
    """The line outside of Writer that is running."""
    frame = sys._getframe(1)
    while isinstance(frame.f_locals.get("self"), Writer):
        frame = frame.f_back
    location = LocationT()
    location.file, location.line, location.column = 0, frame.f_lineno, 1
    return location


def attribute(name, value):
    """A StringValueT becomes one of the kind AttributeValue.StringValue."""
    result = AttributeT()
    result.name = name
    result.value = value
    result.valueType = getattr(AttributeValue, type(value).__name__[:-1])
    return result


def named(kind, name):
    result = kind()
    result.value = name
    return result


class Writer:
    """A graph in the making. A tensor is the index of its value."""

    def __init__(self, name):
        self.graph = GraphT()
        self.graph.version = 1
        self.graph.producer = "mlp.py"
        self.graph.files = [__file__]
        self.graph.values, self.graph.parameters = [], []
        self.graph.model = self.model = ModelT()
        self.model.name = name
        self.model.location = here()
        self.model.inputs, self.model.nodes = [], []

    def value(self, shape):
        value = ValueT()
        value.elementType, value.shape = ElementType.F32, shape
        self.graph.values.append(value)
        return len(self.graph.values) - 1

    def shape(self, tensor):
        return self.graph.values[tensor].shape

    def input(self, name, shape):
        argument = ArgumentT()
        argument.value, argument.name = self.value(shape), name
        argument.location = here()
        self.model.inputs.append(argument)
        return argument.value

    def node(self, op, operands, shape=None, attributes=()):
        """Adds an op with a result of that shape, or with none."""
        node = NodeT()
        node.op, node.operands, node.attributes = op, operands, list(attributes)
        node.results = [] if shape is None else [self.value(shape)]
        node.location = here()
        self.model.nodes.append(node)
        return node.results[0] if node.results else None

    def parameter(self, name, shape, initializer):
        parameter = ParameterT()
        parameter.name, parameter.shape = name, shape
        parameter.elementType = ElementType.F32
        parameter.initializer = CallT()
        parameter.initializer.name = initializer
        parameter.location = here()
        self.graph.parameters.append(parameter)
        return self.node("read", [], shape, [attribute("parameter", named(SymbolValueT, name))])

    def dense(self, x, name, width):
        weight = self.parameter(f"{name}.weight", [self.shape(x)[-1], width], "glorot_uniform")
        bias = self.parameter(f"{name}.bias", [width], "zeros")
        return self.node("dense", [x, weight, bias], [BATCH, width])

    def relu(self, x):
        return self.node("relu", [x], self.shape(x))

    def data(self, split, path):
        binding = DataBindingT()
        binding.split, binding.reader, binding.inputs = split, "csv", [0, 1]
        argument = ReaderArgumentT()
        argument.name, argument.text = "path", path
        binding.arguments = [argument]
        binding.location = here()
        return binding

    def save(self, path):
        builder = flatbuffers.Builder(0)
        builder.Finish(self.graph.Pack(builder), b"NNCG")
        with open(path, "wb") as file:
            file.write(builder.Output())


mlp = Writer("tabular")
x = mlp.input("x", [BATCH, 20])
label = mlp.input("label", [BATCH])

h = mlp.relu(mlp.dense(x, "dense", 128))
h = mlp.relu(mlp.dense(h, "dense_1", 64))
logit = mlp.dense(h, "dense_2", 1)

mlp.node("loss", [mlp.node("bce_logits", [logit, label], [])])
mlp.node("metric", [mlp.node("accuracy", [logit, label], [])],
         attributes=[attribute("name", named(StringValueT, "accuracy"))])
mlp.node("output", [mlp.node("sigmoid", [logit], [BATCH, 1])],
         attributes=[attribute("name", named(StringValueT, "probability"))])

recipe = mlp.model.recipe = RecipeT()
recipe.optimizer = CallT()
recipe.optimizer.name = "adam"
recipe.learningRate = 0.001
recipe.batch = 32
recipe.epochs = 20
recipe.validation = 0.1
recipe.data = [mlp.data("train", "data/tabular-train.csv"),
               mlp.data("test", "data/tabular-test.csv")]

mlp.save(sys.argv[1])
