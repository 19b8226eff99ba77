// Shows the description of the interface. A file of its own, since the page's policy allows no script within it.
SwaggerUIBundle({
  url: '/api/v1/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  displayOperationId: true,
  // What the standard validator would do is a request to another server.
  validatorUrl: null,
});
